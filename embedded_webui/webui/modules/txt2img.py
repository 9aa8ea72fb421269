"""Behind the txt2img tab's Generate button; doubles the host's `modules/txt2img.py`."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import gradio as gr

from modules import processing, scripts, shared
from modules.infotext_utils import create_override_settings_dict
from modules.ui_text import plaintext_to_html


def txt2img_create_processing(
    id_task: str,
    request: gr.Request,
    prompt: str,
    negative_prompt: str,
    prompt_styles: list[str],
    n_iter: int,
    batch_size: int,
    cfg_scale: float,
    height: int,
    width: int,
    enable_hr: bool,
    denoising_strength: float,
    hr_scale: float,
    hr_upscaler: str,
    hr_second_pass_steps: int,
    hr_resize_x: int,
    hr_resize_y: int,
    hr_checkpoint_name: str,
    hr_sampler_name: str,
    hr_scheduler: str,
    hr_prompt: str,
    hr_negative_prompt: str,
    override_settings_texts: list[str],
    *args: Any,
) -> Any:
    """The processing object of what the page's widgets say; `args` are the scripts' slots."""

    def chosen(value: str, usual: str) -> str | None:
        return None if value == usual else value

    opts = shared.opts
    p = processing.StableDiffusionProcessingTxt2Img(
        outpath_samples=opts.outdir_samples or opts.outdir_txt2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_txt2img_grids,
        prompt=prompt,
        styles=prompt_styles,
        negative_prompt=negative_prompt,
        batch_size=batch_size,
        n_iter=n_iter,
        cfg_scale=cfg_scale,
        width=width,
        height=height,
        enable_hr=enable_hr,
        denoising_strength=denoising_strength,
        hr_scale=hr_scale,
        hr_upscaler=hr_upscaler,
        hr_second_pass_steps=hr_second_pass_steps,
        hr_resize_x=hr_resize_x,
        hr_resize_y=hr_resize_y,
        hr_checkpoint_name=chosen(hr_checkpoint_name, "Use same checkpoint"),
        hr_sampler_name=chosen(hr_sampler_name, "Use same sampler"),
        hr_scheduler=chosen(hr_scheduler, "Use same scheduler"),
        hr_prompt=hr_prompt,
        hr_negative_prompt=hr_negative_prompt,
        override_settings=create_override_settings_dict(override_settings_texts),
    )
    p.scripts = scripts.scripts_txt2img
    p.script_args = args
    p.user = request.username
    return p


def run(p: Any) -> tuple[list, str, str, str]:
    """Makes the pictures; (pictures, JSON, infotext as HTML, comments as HTML) for the page."""
    with closing(p):
        processed = p.scripts.run(p, *p.script_args)
        if processed is None:
            processed = processing.process_images(p)
    shared.total_tqdm.clear()
    images = [] if shared.opts.do_not_show_images else processed.images
    comments = plaintext_to_html(processed.comments, classname="comments")
    return images, processed.js(), plaintext_to_html(processed.info), comments


def txt2img(id_task: str, request: gr.Request, *args: Any) -> tuple[list, str, str, str]:
    """What Generate calls, holding the queue's lock."""
    return run(txt2img_create_processing(id_task, request, *args))

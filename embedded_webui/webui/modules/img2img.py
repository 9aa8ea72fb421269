"""Behind the img2img tab's Generate button; doubles the host's `modules/img2img.py`.

The arguments are the widgets of this host's smaller tab, not the host's.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from modules import images, processing, scripts, shared
from modules.infotext_utils import create_override_settings_dict
from modules.txt2img import run

INPAINT = 1


def _picture_and_mask(
    mode: int, init_img: Image.Image | None, init_img_with_mask: dict | None
) -> tuple[Image.Image, Image.Image | None]:
    if mode == INPAINT and init_img_with_mask is not None:
        mask = processing.create_binary_mask(init_img_with_mask["mask"])
        return images.fix_image(init_img_with_mask["image"]), images.fix_image(mask)
    if mode == INPAINT or init_img is None:
        message = "img2img needs a picture to start from"
        raise ValueError(message)
    return images.fix_image(init_img), None


def img2img(
    id_task: str,
    request: gr.Request,
    mode: int,
    prompt: str,
    negative_prompt: str,
    prompt_styles: list[str],
    init_img: Image.Image | None,
    init_img_with_mask: dict | None,
    mask_blur: int,
    inpainting_fill: int,
    n_iter: int,
    batch_size: int,
    cfg_scale: float,
    denoising_strength: float,
    height: int,
    width: int,
    resize_mode: int,
    inpaint_full_res: int,
    inpaint_full_res_padding: int,
    inpainting_mask_invert: int,
    override_settings_texts: list[str],
    *args: Any,
) -> tuple[list, str, str, str]:
    """What Generate calls, holding the queue's lock; ValueError without a picture."""
    picture, mask = _picture_and_mask(mode, init_img, init_img_with_mask)
    opts = shared.opts
    p = processing.StableDiffusionProcessingImg2Img(
        outpath_samples=opts.outdir_samples or opts.outdir_img2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_img2img_grids,
        prompt=prompt,
        negative_prompt=negative_prompt,
        styles=prompt_styles,
        batch_size=batch_size,
        n_iter=n_iter,
        cfg_scale=cfg_scale,
        width=width,
        height=height,
        init_images=[picture],
        mask=mask,
        mask_blur=mask_blur,
        inpainting_fill=inpainting_fill,
        resize_mode=resize_mode,
        denoising_strength=denoising_strength,
        inpaint_full_res=inpaint_full_res,
        inpaint_full_res_padding=inpaint_full_res_padding,
        inpainting_mask_invert=inpainting_mask_invert,
        override_settings=create_override_settings_dict(override_settings_texts),
    )
    p.scripts = scripts.scripts_img2img
    p.script_args = args
    p.user = request.username
    return run(p)

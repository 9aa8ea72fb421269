"""One job of our own, from the Fooocus tab or our API: run on the host's pipeline, in its queue."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from modules import call_queue, processing, progress, scripts, shared

from fooocus_ext.args import FIELDS, Settings
from fooocus_ext.planning import lora_tags

_TITLE = "fooocus"


@dataclass(frozen=True)
class Job:
    """What to make.

    Attributes:
        prompt: as typed.
        negative_prompt: as typed.
        settings: the extension's arguments; ``enabled`` is implied.
        image_number: how many pictures; picture i gets seed + i.
        seed: -1 draws one.
        base_model: a checkpoint title for this job; empty keeps the active one.
        loras: (name, weight) of the LoRAs to add.
        request: further fields of the host's request (``cfg_scale``, ``steps``, ``width``, ...).
        options: options of the host for this job.
    """

    prompt: str
    negative_prompt: str = ""
    settings: Settings = field(default_factory=Settings)
    image_number: int = 1
    seed: int = -1
    base_model: str = ""
    loras: tuple[tuple[str, float], ...] = ()
    request: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def run_queued(job: Job) -> processing.Processed:
    """Wait for the host's queue, then make the pictures; for callers outside of it."""
    task = f"task(fooocus-{secrets.token_hex(4)})"
    progress.add_task_to_queue(task)
    with call_queue.queue_lock:
        try:
            shared.state.begin(job=task)
            progress.start_task(task)
            return make_pictures(job)
        finally:
            progress.finish_task(task)
            shared.state.end()
            shared.total_tqdm.clear()


def make_pictures(job: Job) -> processing.Processed:
    """Make the pictures of a job; the caller holds the queue's lock.

    Other extensions' AlwaysOn scripts run with their defaults.
    """
    options = {"sd_model_checkpoint": job.base_model} if job.base_model else {}
    p = processing.StableDiffusionProcessingTxt2Img(
        outpath_samples=shared.opts.outdir_samples or shared.opts.outdir_txt2img_samples,
        outpath_grids=shared.opts.outdir_grids or shared.opts.outdir_txt2img_grids,
        prompt=job.prompt + lora_tags(job.loras, job.prompt),
        negative_prompt=job.negative_prompt,
        seed=job.seed,
        batch_size=1,
        n_iter=job.image_number,
        do_not_save_grid=True,
        override_settings={**options, **job.options},
        **job.request,
    )
    p.is_api = True  # before scripts: the host's own then keep their hands off seed and sampler
    p.scripts = _runner()
    p.script_args = _script_args(p.scripts, job.settings)
    with closing(p):
        return processing.process_images(p)


def _runner() -> Any:
    """Return the host's runner of txt2img scripts, with its arguments known."""
    runner = scripts.scripts_txt2img
    if not runner.scripts:
        runner.initialize_scripts(is_img2img=False)
    if not runner.inputs or len(runner.inputs) <= 1:
        with gr.Blocks():  # without a page, nothing has asked the scripts for their arguments yet
            runner.setup_ui()
    return runner


def _script_args(runner: Any, settings: Settings) -> tuple[Any, ...]:
    values: list[Any] = [0, *(component.value for component in runner.inputs[1:])]
    script = next(s for s in runner.alwayson_scripts if s.title().lower() == _TITLE)
    enabled = settings.replace(enabled=True)
    values[script.args_from : script.args_to] = [enabled.as_dict()[item.name] for item in FIELDS]
    return tuple(values)

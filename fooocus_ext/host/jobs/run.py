"""One job of our own, from the Fooocus tab or our API: run on the host's pipeline, in its queue."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from modules import call_queue, processing, progress, scripts, sd_models, shared, ui
from PIL import Image

from fooocus_ext.args import FIELDS, SCRIPT_KEY, Settings
from fooocus_ext.edit import Edit
from fooocus_ext.generation.plan import with_lora_tags
from fooocus_ext.host.edit import task
from fooocus_ext.host.edit.task import Task
from fooocus_ext.host.jobs import overrides, prompt_history, undiffused
from fooocus_ext.host.jobs.outputs import Output
from fooocus_ext.host.machine import assets, checkpoints
from fooocus_ext.host.rendering import tiles
from fooocus_ext.images.canvas import Canvas

PAGE_SECONDS = 60
"""How long a job waits for a page that is being built."""


@dataclass(frozen=True)
class Job:
    """What to make.

    Attributes:
        prompt: as typed.
        negative_prompt: as typed.
        settings: the extension's arguments; ``enabled`` is implied.
        image_number: how many pictures there are; picture i gets seed + i, or the same seed.
        seed: -1 draws one.
        base_model: a checkpoint title for this job; empty keeps the active one.
        loras: (name, weight) of the LoRAs to add.
        request: further fields of the host's request (``cfg_scale``, ``steps``, ``width``, ...); the
            settings say which of them performance, preset and aspect ratio leave alone.
        options: options of the host for this job.
        picture: a picture to start from (img2img); None to start from noise.
        denoising: how much of that picture is made anew, 0..1.
        diffuses: whether the picture is sampled; otherwise it is stored as it is.
        tiles: whether Fooocus's rendering encodes and decodes it in tiles.
        edit: what becomes of all of ``picture``, for its infotext; None where there is nothing to say.
        edited: a picture of which a part is made anew; it decides where sampling starts, how much is made
            anew and in which size, and its prompt stands before this one.
        output: where the pictures go, and which is the first to be made; None to leave that to the
            webui's settings.
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
    picture: Image.Image | None = None
    denoising: float = 1.0
    diffuses: bool = True
    tiles: bool = False
    edit: Edit | None = None
    edited: Task | None = None
    output: Output | None = None

    @property
    def first_index(self) -> int:
        """The first picture that is made, if those before it were made earlier."""
        return 0 if self.output is None else self.output.first_index


def run_queued(job: Job) -> processing.Processed:
    """Wait for the host's queue, then make the pictures; for callers outside of it."""
    with in_queue():
        return make_pictures(job)


@contextmanager
def in_queue() -> Iterator[None]:
    """Wait for the host's queue, and run what follows as a task in it."""
    task = f"task(fooocus-{secrets.token_hex(4)})"
    progress.add_task_to_queue(task)
    with call_queue.queue_lock, as_task(task):
        yield


@contextmanager
def as_task(task: str) -> Iterator[None]:
    """Run what follows as the host's task of that id; the caller holds the queue's lock."""
    state = shared.state
    try:
        state.begin(job=task)
        progress.start_task(task)
        yield
    finally:
        progress.finish_task(task)
        state.end()
        state.skipped = state.interrupted = state.stopping_generation = False
        shared.total_tqdm.clear()


def was_stopped() -> bool:
    """Whether somebody has pressed Stop since the task began."""
    state = shared.state
    # From 1.8 on, Stop may also wait for the picture that is being made.
    return bool(state.interrupted or getattr(state, "stopping_generation", False))


def make_pictures(job: Job) -> processing.Processed:
    """Make the pictures of a job; the caller holds the queue's lock.

    Other extensions' AlwaysOn scripts run with their defaults.

    Raises:
        RequestError: there is no such base model, or nothing to edit.
    """
    wait_for_the_first_model()
    if job.edited is None:
        p = _request(job)
        if job.edit is not None:
            task.ask_for(p, job.edit)
        return _process(p, job)
    canvas = job.edited.canvas()
    of_part = _of_part(job, job.edited, canvas)
    p = _request(of_part)
    task.ask_for(p, job.edited.edit, canvas)
    return _process(p, of_part)


def wait_for_the_first_model() -> None:
    """Wait until the webui has loaded the model that it starts with, in a thread of its own.

    A job that waited since before a restart, or a request to the API that comes at once, would load another
    (or an upscaler) at the same time, and that breaks both.
    """
    _model = shared.sd_model  # takes the host's lock until there is one


def _process(p: processing.StableDiffusionProcessing, job: Job) -> processing.Processed:
    overrides.override(p, job.options)
    p.is_api = True  # before scripts: the host's own then keep their hands off seed and sampler
    p.scripts = _runner(is_img2img=job.picture is not None)
    p.script_args = _script_args(p.scripts, job.settings)
    if job.output is not None:
        job.output.attach(p)
    if job.tiles:
        tiles.ask_for(p)
    if job.picture is not None and not job.diffuses:
        undiffused.pass_on(p, job.picture)
    is_private = job.output is not None and job.output.folder is None
    with closing(p), prompt_history.untouched() if is_private else nullcontext():
        return processing.process_images(p)


def _of_part(job: Job, edited: Task, canvas: Canvas) -> Job:
    """Return the job that makes the part of a picture anew."""
    return replace(
        job,
        prompt=edited.prompt(job.prompt),
        picture=canvas.start,
        denoising=edited.edit.strength_in_effect,
        request={**job.request, **task.request(canvas)},
        options={**task.OPTIONS, **job.options},
    )


def _request(job: Job) -> processing.StableDiffusionProcessing:
    base = _base_model(job.base_model) if job.base_model else ""
    options = {overrides.CHECKPOINT: base} if base and job.diffuses else {}
    overrides.make_restorable(options)
    opts = shared.opts
    common: dict[str, Any] = {
        "prompt": with_lora_tags(job.prompt, job.loras, assets.comment_signs()),
        "negative_prompt": job.negative_prompt,
        "seed": job.seed if job.settings.same_seed else job.seed + job.first_index,
        "batch_size": 1,
        "n_iter": job.image_number - job.first_index,
        "do_not_save_grid": True,
        "override_settings": options,
        # Before 1.10, and in Classic, the host takes this one too, but its infotext does not say so.
        "sampler_name": assets.default_sampler_name(),
        **job.request,
    }
    if job.picture is None:
        return processing.StableDiffusionProcessingTxt2Img(
            outpath_samples=opts.outdir_samples or opts.outdir_txt2img_samples,
            outpath_grids=opts.outdir_grids or opts.outdir_txt2img_grids,
            **common,
        )
    return processing.StableDiffusionProcessingImg2Img(
        outpath_samples=opts.outdir_samples or opts.outdir_img2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_img2img_grids,
        init_images=[job.picture],
        denoising_strength=job.denoising,
        **common,
    )


def _base_model(name: str) -> str:
    """Return a name that the host knows; it would silently keep its active model otherwise."""
    known = checkpoints.known_name(name)
    if known is None:
        raise checkpoints.unknown("base_model", name, sd_models.checkpoint_tiles())
    return known


def _runner(*, is_img2img: bool) -> Any:
    """Return the host's runner of a tab's scripts, with its arguments known."""
    name = "scripts_img2img" if is_img2img else "scripts_txt2img"
    runner = getattr(scripts, name)
    if shared.cmd_opts.nowebui:
        if not runner.scripts:  # up to 1.7: the webui's own API begins with this, too
            runner.initialize_scripts(is_img2img=is_img2img)
            ui.create_ui()
        return runner
    until = time.monotonic() + PAGE_SECONDS
    while len(runner.inputs or ()) <= 1 and time.monotonic() < until:
        time.sleep(0.1)  # "Reload UI" builds the page anew, with other runners
        runner = getattr(scripts, name)
    return runner


def _script_args(runner: Any, settings: Settings) -> tuple[Any, ...]:
    values: list[Any] = [0, *(component.value for component in runner.inputs[1:])]
    script = next(s for s in runner.alwayson_scripts if s.title().lower() == SCRIPT_KEY)
    enabled = settings.replace(enabled=True)
    values[script.args_from : script.args_to] = [enabled.as_dict()[item.name] for item in FIELDS]
    return tuple(values)

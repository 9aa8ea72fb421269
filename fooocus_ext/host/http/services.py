"""Our routes on the webui's HTTP server, and what they work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI
from PIL import Image

from fooocus_ext.api import downloads, model_download, presets, routes
from fooocus_ext.args import HOST_CHOICE, Settings
from fooocus_ext.edit import Edit
from fooocus_ext.errors import RequestError
from fooocus_ext.generation.plan import make_plan, preset_model
from fooocus_ext.host import residents
from fooocus_ext.host.edit.task import Task
from fooocus_ext.host.http import remake, variations
from fooocus_ext.host.http.arguments import guard
from fooocus_ext.host.http.authentication import authentication
from fooocus_ext.host.http.gate import add_routes
from fooocus_ext.host.jobs import overrides, run
from fooocus_ext.host.machine import assets, checkpoints, expansion, model_files
from fooocus_ext.prompting.rewrite import RewrittenPrompt


def register(_demo: Any, app: FastAPI) -> None:
    """Add our routes, each behind a gate, and guard the host's; called on every start."""
    model_files.take_up()
    for router in routers():
        add_routes(app, router, authentication(app))
    guard(app)


def routers() -> list[APIRouter]:
    """Return our routes, told where they may write."""
    model = expansion.models_folder()
    return [
        routes.router(services()),
        presets.router(assets.presets_folder(), assets.presets, assets.reload),
        downloads.router(model_files.MODEL_FILES, model_files.DOWNLOADS),
        model_download.router(model, model_files.DOWNLOADS, model_files.refusal),
    ]


def services() -> routes.Services:
    """Return what our routes work with."""
    return routes.Services(
        styles=assets.styles,
        presets=assets.presets,
        reload=assets.reload,
        rewrite=_rewrite,
        expand=expansion.expand,
        make_pictures=_make_pictures,
        edit_picture=_edit_picture,
        remake=_remake,
        release_refiner=residents.release,
    )


def _rewrite(prompt: str, negative: str, seed: int, settings: Settings) -> RewrittenPrompt:
    return assets.writer().rewrite([prompt], [negative], [seed], settings)[0]


def _make_pictures(request: Any, settings: Settings) -> routes.Pictures:
    of_host = _named_fields(request)
    if "aspect_ratio" not in request.__fields_set__:
        size = checkpoints.small_size(_base_model(request.base_model, settings))
        if size:
            of_host.update(size)
            settings = settings.replace(aspect_ratio=HOST_CHOICE).keeping("aspect_ratio")
    return _pictures_of(_job(request, settings, of_host))


def _named_fields(request: Any) -> dict[str, Any]:
    """Return the fields of the webui's request that the request names itself."""
    fields = {"cfg_scale": request.cfg_scale, "steps": request.steps}
    return {name: value for name, value in fields.items() if value is not None}


def _job(request: Any, settings: Settings, of_host: dict[str, Any]) -> run.Job:
    return run.Job(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        settings=settings,
        image_number=request.image_number,
        seed=request.seed,
        base_model=request.base_model,
        request=of_host,
    )


def _edit_picture(
    request: Any,
    settings: Settings,
    edit: Edit,
    picture: Image.Image,
    masks: Sequence[Image.Image],
) -> routes.Pictures:
    """Make a part of a picture anew, or all of it; its size is its own, whatever a preset says."""
    settings = settings.replace(aspect_ratio=HOST_CHOICE).keeping("aspect_ratio")
    samples = edit.of_mode.has_mask or variations.samples(edit, picture)
    side = checkpoints.side(_base_model(request.base_model, settings, samples=samples))
    job = _job(request, settings, _named_fields(request))
    if edit.of_mode.has_mask:
        task = Task(edit, picture, tuple(masks), side)
        task.check()
        return _pictures_of(replace(job, edited=task))
    if masks:
        raise RequestError(f'mask: allowed in mode "{edit.mode}": none, as it is not used.')
    with run.in_queue():
        run.wait_for_the_first_model()  # an upscaler may be next
        job, notes = variations.job_of(job, edit, picture, side)
        return _in_answer(run.make_pictures(job), notes)


def _remake(text: str) -> routes.Pictures:
    job, notes = remake.job_of(text)
    return _pictures_of(job, notes)


def _pictures_of(job: run.Job, notes: Sequence[str] = ()) -> routes.Pictures:
    return _in_answer(run.run_queued(job), notes)


def _in_answer(processed: Any, notes: Sequence[str]) -> routes.Pictures:
    # The host generates models from its options when this is first imported: not before a request.
    from modules.api.api import encode_pil_to_base64

    first, last = processed.index_of_first_image, len(processed.infotexts)
    comments = (line for line in processed.comments.splitlines() if line.strip())
    return routes.Pictures(
        images=[encode_pil_to_base64(image).decode() for image in processed.images[first:last]],
        infotexts=processed.infotexts[first:],
        seeds=processed.all_seeds[: last - first],
        notes=[*notes, *comments],
    )


def _base_model(named: str, settings: Settings, *, samples: bool = True) -> str:
    """Return which checkpoint will make the pictures. Raises RequestError as ``make_plan`` does.

    Where nothing is sampled it is the one that would, and no file is missed.
    """
    installed = assets.installed()
    if samples:
        plan = make_plan(settings, installed, checkpoint_is_chosen=bool(named))
        of_preset = plan.options.get(overrides.CHECKPOINT)
    else:
        of_preset = preset_model(settings, installed)
    return named or of_preset or checkpoints.active()

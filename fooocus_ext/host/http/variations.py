"""A picture varied or upscaled over the API: what the tab's buttons do, with the request's own settings."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from fooocus_ext.edit import VARY, Edit
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.host.edit import task
from fooocus_ext.host.jobs import variations
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import assets
from fooocus_ext.images import area
from fooocus_ext.tab.actions import is_diffused
from fooocus_ext.tab.variations import UPSCALES, VARIATIONS, Variation


def job_of(job: Job, edit: Edit, picture: Image.Image, side: int) -> tuple[Job, list[str]]:
    """Return the job that varies or upscales a picture, and sentences about it.

    The caller holds the host's queue.

    Args:
        job: what the request asks for beside the edit.
        edit: in a mode without a mask.
        picture: in RGB.
        side: in pixels, of a square with the area in which the model makes pictures.

    Raises:
        RequestError: the picture would become too large, or there is no such style.
    """
    assets.styles().check(job.settings.styles)  # also where none is applied
    variation = _variation(edit)
    performance = _performance(job) if samples(edit, picture) else job.settings.performance
    steps = job.request.get("steps") or _steps_of_preset(job)
    asked = replace(
        job,
        settings=job.settings.replace(performance=performance),
        request={**job.request, "steps": steps} if steps else job.request,
        options={**task.OPTIONS, **job.options},
    )
    size = None if side == area.SIDE else area.working_size(picture.size, side)
    made = variations.varied(asked, variation, picture, size=size)
    notes = variations.notes(variation, None, diffuses=made.diffuses)
    if made.image_number != job.image_number:
        notes.append(
            f"image_number: got {job.image_number}; one picture is made, as all would be the same."
        )
    return made, notes


def samples(edit: Edit, picture: Image.Image) -> bool:
    """Whether an edit in a mode without a mask makes anything of a picture anew: else no model is used."""
    return is_diffused(_variation(edit), picture.size)


def _variation(edit: Edit) -> Variation:
    variation = VARIATIONS["vary_subtle" if edit.mode == VARY else UPSCALES[edit.scale]]
    return (
        replace(variation, denoising=edit.strength_in_effect) if variation.denoising else variation
    )


def _performance(job: Job) -> str:
    """Return the mode that a job comes to: what it names, or its preset's."""
    chosen = bool(job.base_model)
    plan = make_plan(job.settings, assets.installed(), checkpoint_is_chosen=chosen)
    return plan.settings.performance


def _steps_of_preset(job: Job) -> int | None:
    """Return the steps that a preset has in place of its performance's, as the page would show them."""
    preset = assets.presets().presets.get(job.settings.preset)
    steps = preset.steps if preset is not None and "steps" not in job.settings.keep else None
    return steps if steps is not None and steps > 0 else None

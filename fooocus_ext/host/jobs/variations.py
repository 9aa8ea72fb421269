"""A picture varied or upscaled: the job that does it, with the upscalers of this machine."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import upscalers
from fooocus_ext.images import area
from fooocus_ext.presets.published import UPSCALER
from fooocus_ext.tab.actions import (
    LARGEST_SIDE,
    Size,
    is_diffused,
    upscaled_as_fooocus,
    upscaled_size,
    varied_as_fooocus,
    varied_request,
    varied_size,
)
from fooocus_ext.tab.variations import Variation, variation_as_edit

_FOOOCUS_FACTOR = 4
"""By how much Fooocus's upscaler enlarges any picture, before it is resized to what is asked for."""


def varied(
    job: Job,
    variation: Variation,
    picture: Image.Image,
    *,
    size: Size | None = None,
    upscaler: str | None = None,
    switch_step: int | None = None,
) -> Job:
    """Return the job that varies or upscales a picture; the caller holds the host's queue, as upscalers run.

    Args:
        job: what is asked for besides.
        variation: what becomes of the picture.
        picture: in RGB.
        size: of a varied picture; None for what becomes of its own. A picture that is upscaled may stay
            small if there is one.
        upscaler: the webui's name of it; None for the best installed.
        switch_step: the step at which the refiner takes over; None for the settings' share of the steps.

    Raises:
        RequestError: the picture would become too large, or there is no such upscaler.
    """
    as_fooocus = job.settings.rendering == FOOOCUS
    diffuses = is_diffused(variation, picture.size)
    if variation.enlarges:
        small = size is not None
        factor, size = enlarging(picture, variation, job.settings, may_stay_small=small)
        larger = upscalers.enlarged(picture, factor, upscalers.find(upscaler))
        picture = larger.resize(size, Image.Resampling.LANCZOS)
    elif as_fooocus:
        size = size or varied_as_fooocus(picture.size)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    else:
        size = size or varied_size(picture.size)
    if as_fooocus and diffuses:
        picture = picture.crop(area.of_whole_latents(picture.size).corners)
        size = picture.size
    job = replace(job, picture=picture, edit=variation_as_edit(variation), diffuses=diffuses)
    if not diffuses:
        return _not_sampled(job, size)
    request, settings = varied_request(job.request, job.settings, variation, size, switch_step)
    return replace(
        job,
        settings=settings,
        request=request,
        denoising=variation.denoising,
        tiles=variation.enlarges,
    )


def _not_sampled(job: Job, size: Size) -> Job:
    """Return a job of one picture, for which no text is expanded or styled and no model changed."""
    return replace(
        job,
        prompt="",
        negative_prompt="",
        loras=(),
        settings=Settings(),
        image_number=1,
        request={"width": size[0], "height": size[1]},
    )


def enlarging(
    picture: Image.Image, variation: Variation, settings: Settings, *, may_stay_small: bool
) -> tuple[float, Size]:
    """Return how much an upscaler must enlarge the picture, and the size that it gets.

    Raises:
        RequestError: it would become too large.
    """
    if settings.rendering != FOOOCUS:
        return upscaled_size(picture.size, variation, may_stay_small=may_stay_small)
    largest = picture.width * _FOOOCUS_FACTOR, picture.height * _FOOOCUS_FACTOR
    size = upscaled_as_fooocus(
        picture.size, variation.scale, largest, may_stay_small=may_stay_small
    )
    return float(_FOOOCUS_FACTOR), size


def notes(variation: Variation | None, upscaler: str | None, *, diffuses: bool) -> list[str]:
    """Return what to say of a picture that was enlarged without an upscaling model, or without sampling."""
    if variation is None or not variation.enlarges:
        return []
    found = []
    if upscaler is None and upscalers.find(None).name == upscalers.PLAIN:
        found.append(
            f"The picture was enlarged with {upscalers.PLAIN}, because no upscaling model is installed, "
            f"such as {UPSCALER}."
        )
    if variation.denoising and not diffuses:
        found.append(
            f"The picture was enlarged without adding detail: above the area of {LARGEST_SIDE}×"
            f"{LARGEST_SIDE} the model is not used."
        )
    return found

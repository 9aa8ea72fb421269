"""A picture varied or upscaled: what a job is told of it, with the upscalers of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules import shared
from PIL import Image

from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.host.machine import upscalers
from fooocus_ext.images import area
from fooocus_ext.presets.published import UPSCALER
from fooocus_ext.tab.actions import (
    LARGEST_SIDE,
    is_diffused,
    upscaled_as_fooocus,
    upscaled_size,
    varied_as_fooocus,
    varied_request,
    varied_size,
)
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.variations import Variation, variation_as_edit

_FOOOCUS_FACTOR = 4
"""By how much Fooocus's upscaler enlarges any picture, before it is resized to what is asked for."""
_WITHOUT_SAMPLING: Mapping[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "loras": (),
    "settings": Settings(),
    "image_number": 1,
    "diffuses": False,
}
"""What a job is told where nothing is sampled: no text is expanded or styled for it, no model changed."""


def varied(choices: Choices, variation: Variation, picture: Image.Image) -> dict[str, Any]:
    """Return what a job is told of a variation; the caller holds the host's queue, as upscalers run.

    Raises:
        RequestError: the picture would become too large, or there is no such upscaler.
    """
    as_fooocus = choices.settings.rendering == FOOOCUS
    diffuses = is_diffused(variation, picture.size)
    if variation.enlarges:
        picture = _upscaled(picture, variation, choices)
        size = picture.size
    elif as_fooocus:
        size = choices.size or varied_as_fooocus(picture.size)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    else:
        size = choices.size or varied_size(picture.size)
    if as_fooocus and diffuses:
        picture = picture.crop(area.of_whole_latents(size).corners)
        size = picture.size
    values = {"picture": picture, "edit": variation_as_edit(variation)}
    if not diffuses:  # all pictures of the job would be the same
        size_alone = {"width": size[0], "height": size[1]}
        return {**values, **_WITHOUT_SAMPLING, "request": size_alone}
    request, settings = varied_request(choices, variation, size)
    sampled = {"denoising": variation.denoising, "tiles": variation.enlarges, "diffuses": True}
    return {**values, **sampled, "settings": settings, "request": request}


def enlarging(
    picture: Image.Image, variation: Variation, choices: Choices
) -> tuple[float, tuple[int, int]]:
    """Return how much an upscaler must enlarge the picture, and the size that it gets.

    A forced size says that small pictures are meant.

    Raises:
        RequestError: it would become too large.
    """
    small = choices.size is not None
    if choices.settings.rendering != FOOOCUS:
        return upscaled_size(picture.size, variation, may_stay_small=small)
    largest = picture.width * _FOOOCUS_FACTOR, picture.height * _FOOOCUS_FACTOR
    size = upscaled_as_fooocus(picture.size, variation.scale, largest, may_stay_small=small)
    return float(_FOOOCUS_FACTOR), size


def notes(choices: Choices, variation: Variation | None, *, diffuses: bool) -> list[str]:
    """Return what to say of a picture that was enlarged without an upscaling model, or without sampling."""
    if variation is None or not variation.enlarges:
        return []
    found = []
    if choices.upscaler is None and upscalers.find(None).name == upscalers.PLAIN:
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


def _upscaled(picture: Image.Image, variation: Variation, choices: Choices) -> Image.Image:
    """Return the picture made larger by an upscaler."""
    factor, size = enlarging(picture, variation, choices)
    upscaler = upscalers.find(choices.upscaler)
    shared.state.textinfo = f"Upscaling with {upscaler.name}"
    larger = upscaler.scaler.upscale(picture, factor, upscaler.data_path)
    return larger.convert("RGB").resize(size, Image.Resampling.LANCZOS)

"""What the tab's buttons ask of the webui: a new picture, or a variation of one that is there.

The numbers are Fooocus's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fooocus_ext.args import HOST_CHOICE, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.images import area
from fooocus_ext.images.decoding import LONGEST_SIDE
from fooocus_ext.images.mask import LATENT
from fooocus_ext.presets.performance import find_performance
from fooocus_ext.tab.choices import Choices, switch_share
from fooocus_ext.tab.variations import Variation

LARGEST_SIDE = 2752
"""The side of a square of an upscaled picture's area, in pixels, above which it is enlarged and no more.

(Fooocus compares the side rounded up to a multiple of 64 with 2800.)
"""
LARGEST_ENLARGED_SIDE = 8192
"""The same above which it is refused: the upscaler alone would take gigabytes."""
_LONGEST_RESULT = 2 * LONGEST_SIDE
_SMALLEST_SIDE, _LARGEST_VARIED_SIDE = 1024, 2048
_SHORTEST_SIDE = 64
"""Of a picture that is sampled in the webui's rendering, in pixels."""

Size = tuple[int, int]
"""Width and height in pixels."""


def request_for(choices: Choices) -> dict[str, Any]:
    """Return the fields of the host's request for a new picture."""
    request: dict[str, Any] = {"cfg_scale": choices.guidance_scale, "sampler_name": choices.sampler}
    if choices.scheduler:
        request["scheduler"] = choices.scheduler
    if choices.steps:
        request["steps"] = choices.steps
    if choices.size:
        request.update(width=choices.size[0], height=choices.size[1])
    return request


def varied_request(
    request: Mapping[str, Any],
    settings: Settings,
    variation: Variation,
    size: Size,
    switch_step: int | None = None,
) -> tuple[dict[str, Any], Settings]:
    """Return the fields of the host's request for a variation, and the settings that go with it.

    Args:
        request: the fields for a new picture.
        settings: those for a new picture.
        variation: what becomes of the picture.
        size: of the picture to be made.
        switch_step: the step at which the refiner takes over; None for the settings' share of the steps.
    """
    settings = settings.replace(aspect_ratio=HOST_CHOICE)
    request = {**request, "width": size[0], "height": size[1]}
    if variation.enlarges:
        mode = find_performance(settings.performance)
        if mode is not None:
            request = {"steps": mode.upscale_steps, **request}
            settings = settings.keeping("steps")
        if switch_step is not None and settings.refiner != NONE:
            share = switch_share(switch_step, request["steps"])
            settings = settings.replace(refiner_switch=share)
    return request, settings


def is_diffused(variation: Variation, size: Size) -> bool:
    """Whether a picture of that size is sampled, once it is enlarged."""
    return variation.denoising > 0 and (
        not variation.enlarges or _side(size) * variation.scale <= LARGEST_SIDE
    )


def varied_size(size: Size) -> Size:
    """Return the size in which a picture is varied: 1024 to 2048 on a side if it were square.

    Raises:
        RequestError: the longer side would become too long.
    """
    side = _side(size)
    wanted = min(max(math.ceil(side / 64) * 64, _SMALLEST_SIDE), _LARGEST_VARIED_SIDE)
    is_within = _SMALLEST_SIDE <= side <= _LARGEST_VARIED_SIDE
    return _for_sampling(size, 1.0 if is_within else wanted / side)[1]


def upscaled_size(size: Size, variation: Variation, *, may_stay_small: bool) -> tuple[float, Size]:
    """Return how much an upscaler must enlarge a picture, and the size that it gets.

    Its sides are rounded to multiples of 8 where it is sampled then, and nowhere else.

    Args:
        size: of the picture.
        variation: what becomes of it.
        may_stay_small: whether the result may be smaller than Fooocus's least size; otherwise a small
            picture grows to that.

    Raises:
        RequestError: the result would be too large.
    """
    scale = variation.scale
    side = _side(size) * scale
    if side < _SMALLEST_SIDE and not may_stay_small:
        scale *= _SMALLEST_SIDE / side
    if is_diffused(variation, size):
        scale, larger = _for_sampling(size, scale)
    else:
        larger = round(size[0] * scale), round(size[1] * scale)
    _check_size(size, larger)
    return scale, larger


def varied_as_fooocus(size: Size) -> Size:
    """Return the size in which Fooocus varies a picture; it keeps one that is not out of bounds."""
    side = area.rounded_side(size)
    return area.towards(size, min(max(side, _SMALLEST_SIDE), _LARGEST_VARIED_SIDE))


def upscaled_as_fooocus(size: Size, scale: float, larger: Size, *, may_stay_small: bool) -> Size:
    """Return the size in which Fooocus makes a picture larger.

    Args:
        size: of the picture.
        scale: how much larger it is to become.
        larger: the size that its upscaler makes of it, from which a small picture gets Fooocus's least.
        may_stay_small: whether the result may be smaller than that.

    Raises:
        RequestError: the result would be too large.
    """
    width, height = int(size[0] * scale), int(size[1] * scale)
    _check_size(size, (width, height))
    side = area.rounded_side((size[0] * scale, size[1] * scale))
    if side < _SMALLEST_SIDE and not may_stay_small:
        return area.towards(larger, _SMALLEST_SIDE)
    return width, height


def _check_size(size: Size, larger: Size) -> None:
    if _side(larger) > LARGEST_ENLARGED_SIDE:
        limit = f"{LARGEST_ENLARGED_SIDE}×{LARGEST_ENLARGED_SIDE}"
        raise RequestError(
            f"image: got {size[0]}×{size[1]}, which would become {larger[0]}×{larger[1]}; allowed: what "
            f"becomes up to the area of {limit}."
        )


def _side(size: Size) -> float:
    """Return the side of a square with the area of ``size``."""
    return math.sqrt(size[0] * size[1])


def _for_sampling(size: Size, scale: float) -> tuple[float, Size]:
    """Return the scale at which no side is too short for the model, and the size in multiples of 8.

    Raises:
        RequestError: the longer side would become too long.
    """
    scale = max(scale, _SHORTEST_SIDE / min(size))
    width, height = (round(length * scale / LATENT) * LATENT for length in size)
    if max(width, height) > _LONGEST_RESULT:
        raise RequestError(
            f"image: got {size[0]}×{size[1]}, which would become {width}×{height}; allowed: what becomes "
            f"up to {_LONGEST_RESULT} pixels long."
        )
    return scale, (width, height)

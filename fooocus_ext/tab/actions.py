"""What the tab's buttons ask of the webui: a new picture, or a variation of one that is there.

The numbers are Fooocus's.
"""

from __future__ import annotations

import math
from typing import Any

from fooocus_ext.args import HOST_CHOICE, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.images import area
from fooocus_ext.presets.performance import find_performance
from fooocus_ext.tab.choices import Choices, switch_share
from fooocus_ext.tab.variations import Variation

LARGEST_SIDE = 2752
"""The side of a square of an upscaled picture's area, in pixels, above which it is enlarged and no more.

(Fooocus compares the side rounded up to a multiple of 64 with 2800.)
"""
LARGEST_ENLARGED_SIDE = 8192
"""The same above which it is refused: the upscaler alone would take gigabytes."""
_SMALLEST_SIDE, _LARGEST_VARIED_SIDE = 1024, 2048

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
    choices: Choices, variation: Variation, size: Size
) -> tuple[dict[str, Any], Settings]:
    """Return the fields of the host's request for a variation, and the settings that go with it.

    Args:
        choices: what the page asks for.
        variation: what becomes of the picture.
        size: of the picture to be made.
    """
    settings = choices.settings.replace(aspect_ratio=HOST_CHOICE)
    request = {**request_for(choices), "width": size[0], "height": size[1]}
    if variation.enlarges:
        mode = find_performance(settings.performance)
        if mode is not None:
            request = {"steps": mode.upscale_steps, **request}
            settings = settings.keeping("steps")
        if choices.switch_step is not None and settings.refiner != NONE:
            share = switch_share(choices.switch_step, request["steps"])
            settings = settings.replace(refiner_switch=share)
    return request, settings


def is_diffused(variation: Variation, size: Size) -> bool:
    """Whether a picture that becomes ``size`` is sampled, once it is that large."""
    return variation.denoising > 0 and not (variation.enlarges and _side(size) > LARGEST_SIDE)


def varied_size(size: Size) -> Size:
    """Return the size in which a picture is varied: 1024 to 2048 on a side if it were square."""
    side = _side(size)
    wanted = min(max(math.ceil(side / 64) * 64, _SMALLEST_SIDE), _LARGEST_VARIED_SIDE)
    return _scaled(size, 1.0 if _SMALLEST_SIDE <= side <= _LARGEST_VARIED_SIDE else wanted / side)


def upscaled_size(size: Size, scale: float, *, may_stay_small: bool) -> tuple[float, Size]:
    """Return how much an upscaler must enlarge a picture, and the size that it gets.

    Args:
        size: of the picture.
        scale: how much larger it is to become.
        may_stay_small: whether the result may be smaller than Fooocus's least size; otherwise a small
            picture grows to that.

    Raises:
        RequestError: the result would be too large.
    """
    side = _side(size) * scale
    if side < _SMALLEST_SIDE and not may_stay_small:
        scale *= _SMALLEST_SIDE / side
    width, height = _scaled(size, scale)
    _check_size(width, height)
    return scale, (width, height)


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
    _check_size(width, height)
    side = area.rounded_side((size[0] * scale, size[1] * scale))
    if side < _SMALLEST_SIDE and not may_stay_small:
        return area.towards(larger, _SMALLEST_SIDE)
    return width, height


def _check_size(width: int, height: int) -> None:
    limit = LARGEST_ENLARGED_SIDE
    if _side((width, height)) > limit:
        raise RequestError(
            f"The picture would become {width}×{height}; allowed: up to the area of {limit}×{limit}."
        )


def _side(size: Size) -> float:
    """Return the side of a square with the area of ``size``."""
    return math.sqrt(size[0] * size[1])


def _scaled(size: Size, scale: float) -> Size:
    return _multiple_of_8(size[0] * scale), _multiple_of_8(size[1] * scale)


def _multiple_of_8(length: float) -> int:
    return max(64, round(length / 8) * 8)

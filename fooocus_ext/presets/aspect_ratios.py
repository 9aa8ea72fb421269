"""The 26 picture sizes that SDXL was trained for and Fooocus offers, with their ratio labels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fooocus_ext.args import HOST_CHOICE
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import FORCED_SIDE

_SIZE = re.compile(r"\s*(\d{1,5})\s*[*xX×]\s*(\d{1,5})\s*(?:(?:\||∣|<).{0,100})?", re.DOTALL)


@dataclass(frozen=True)
class AspectRatio:
    """A picture size in pixels."""

    width: int
    height: int

    @property
    def value(self) -> str:
        """The size as settings and presets write it, such as ``1152*896``."""
        return f"{self.width}*{self.height}"

    @property
    def ratio(self) -> str:
        """The reduced ratio, such as ``9:7``."""
        divisor = math.gcd(self.width, self.height)
        return f"{self.width // divisor}:{self.height // divisor}"

    @property
    def label(self) -> str:
        """The size as people read it, such as ``1152×896 | 9:7``."""
        return f"{self.width}×{self.height} | {self.ratio}"


def _sizes(*pairs: tuple[int, int]) -> Mapping[str, AspectRatio]:
    return {size.value: size for size in (AspectRatio(*pair) for pair in pairs)}


ASPECT_RATIOS: Mapping[str, AspectRatio] = _sizes(
    (704, 1408),
    (704, 1344),
    (768, 1344),
    (768, 1280),
    (832, 1216),
    (832, 1152),
    (896, 1152),
    (896, 1088),
    (960, 1088),
    (960, 1024),
    (1024, 1024),
    (1024, 960),
    (1088, 960),
    (1088, 896),
    (1152, 896),
    (1152, 832),
    (1216, 832),
    (1280, 768),
    (1344, 768),
    (1344, 704),
    (1408, 704),
    (1472, 704),
    (1536, 640),
    (1600, 640),
    (1664, 576),
    (1728, 576),
)
DEFAULT_ASPECT_RATIO = "1152*896"


def find_aspect_ratio(text: str) -> AspectRatio | None:
    """Return the size that ``text`` names, or None for "webui" (the page's own size).

    ``1152*896``, ``1152x896``, ``1152×896``, our labels and Fooocus's are all read.

    Raises:
        RequestError: not a size, or not one of the 26; names the nearest.
    """
    if text == HOST_CHOICE:
        return None
    size = parse_size(text)
    if size is None:
        raise RequestError(
            f'aspect_ratio: "{text[:60]}" is not a size; allowed: "{HOST_CHOICE}" or width*height '
            f'such as "{DEFAULT_ASPECT_RATIO}".'
        )
    known = ASPECT_RATIOS.get(size.value)
    if known is None:
        nearest = " or ".join(f'"{near.value}"' for near in nearest_sizes(size.width, size.height))
        raise RequestError(
            f"aspect_ratio: {size.value} is not one of the {len(ASPECT_RATIOS)} sizes; allowed: one of "
            f'them, the nearest are {nearest}, or "{HOST_CHOICE}" with a width and height of your own.'
        )
    return known


def parse_size(text: str) -> AspectRatio | None:
    """Return the size that ``text`` spells, whether or not it is one of the 26; None if it spells none."""
    match = _SIZE.fullmatch(text)
    if match is None or 0 in (int(match[1]), int(match[2])):
        return None
    return AspectRatio(int(match[1]), int(match[2]))


def allowed_size(size: AspectRatio) -> AspectRatio:
    """Return the size nearest to another one that can be forced on pictures."""

    def allowed(side: int) -> int:
        return min(max(8 * ((side + 4) // 8), FORCED_SIDE.minimum), FORCED_SIDE.maximum)

    return AspectRatio(allowed(size.width), allowed(size.height))


def nearest_sizes(width: int, height: int, count: int = 2) -> list[AspectRatio]:
    """Return the known sizes nearest to another one: in shape first, then in area.

    Args:
        width: pixels, at least 1.
        height: pixels, at least 1.
        count: how many.
    """

    def distance(size: AspectRatio) -> tuple[float, int]:
        shape = abs(math.log(size.width * height / (size.height * width)))
        return round(shape, 6), abs(size.width * size.height - width * height)

    return sorted(ASPECT_RATIOS.values(), key=distance)[:count]

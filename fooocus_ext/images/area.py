"""The part of a picture that is looked at while its masked part is made anew, and the size it gets."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fooocus_ext.images.mask import LATENT, Mask

SIDE = 1024
"""Pixels: the side of a square with the area in which SDXL makes pictures."""
_STEP = 64
_MARGIN = 1.15

Size = tuple[int, int]
"""Width and height in pixels."""


class Span(NamedTuple):
    """A stretch of one side of a picture, in pixels: from ``start`` up to but not ``end``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Pixels."""
        return self.end - self.start

    def within(self, side: int) -> Span:
        """Return what of it lies in a side of a picture."""
        return Span(max(self.start, 0), min(self.end, side))

    def longer(self, side: int) -> Span:
        """Return it with a pixel more at each end, where the side has one."""
        return Span(self.start - 1, self.end + 1).within(side)


class Box(NamedTuple):
    """A rectangle of a picture."""

    rows: Span
    columns: Span

    def wider(self, pixels: int, size: Size) -> Box:
        """Return it with so many pixels more at each side, where a picture of that size has them."""
        spans = zip(self, size[::-1], strict=True)
        return Box(*(Span(a - pixels, b + pixels).within(side) for (a, b), side in spans))

    @property
    def size(self) -> Size:
        """(width, height) in pixels."""
        return self.columns.length, self.rows.length

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """What Pillow cuts it out by: left, top, right, bottom."""
        return self.columns.start, self.rows.start, self.columns.end, self.rows.end

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of an array [H,W,...]."""
        return slice(*self.rows), slice(*self.columns)


def around(mask: Mask, field: float) -> Box:
    """Return the part of the picture that is looked at: a square around the mask, grown to the field.

    The square is 1.15 times as long as the masked part's longer side, and ends where the picture does.
    Its shorter side grows until both have their share of the picture's.

    Args:
        mask: [H,W], with at least one pixel.
        field: the share of the picture's sides, 0..1; 1 is all of it.
    """
    height, width = mask.shape
    rows, columns = covered(mask)
    half = int(max((span.length - 1) // 2 for span in (rows, columns)) * _MARGIN)
    rows, columns = (
        Span(middle - half, middle + half + 1).within(side)
        for middle, side in ((_middle(rows), height), (_middle(columns), width))
    )
    if field == 1.0:
        return Box(Span(0, height), Span(0, width))
    while rows.length < height * field or columns.length < width * field:
        is_flat = rows.length < columns.length
        grow_rows = is_flat or columns.length == width
        grow_columns = not is_flat or rows.length == height
        rows = rows.longer(height) if grow_rows else rows
        columns = columns.longer(width) if grow_columns else columns
    return Box(rows, columns)


def rounded_side(size: tuple[float, float]) -> int:
    """Return the side of a square with the area of ``size``, rounded up to a multiple of 64."""
    return math.ceil(math.sqrt(size[0] * size[1]) / _STEP) * _STEP


def is_small(size: Size, side: int = SIDE) -> bool:
    """Whether an upscaler is asked before a part of the picture is brought to its working size."""
    return rounded_side(size) < side


def towards(size: Size, side: int) -> Size:
    """Return a size with about the area of a square of ``side``, as Fooocus finds it.

    Both sides are scaled and rounded to 64 pixels (to 64 at least), again and again, until a square of
    that area has the wanted side (rounded up to 64); what has it from the beginning stays as it is.
    """
    width, height = size
    for _attempt in range(256):  # some sizes swing between two
        now = rounded_side((width, height))
        if now == side:
            break
        width, height = (
            max(round(length * (side / now) / _STEP), 1) * _STEP for length in (width, height)
        )
    return width, height


def working_size(size: Size, side: int = SIDE) -> Size:
    """Return the size in which a part of a picture is made anew: `towards` a side, less a rest of 8.

    Args:
        size: (width, height) of the part.
        side: the wanted side in pixels, a multiple of 64.
    """
    width, height = towards(size, side)
    return max(width // LATENT, 1) * LATENT, max(height // LATENT, 1) * LATENT


def of_whole_latents(size: Size) -> Box:
    """Return the part of a picture that latents cover, as Fooocus cuts it out before it encodes one.

    What a side has beyond a multiple of 8 is taken off at both of its ends, the odd pixel at its far one.
    """
    columns, rows = (Span(side % LATENT // 2, side - (side % LATENT + 1) // 2) for side in size)
    return Box(rows, columns)


def covered(mask: Mask) -> Box:
    """Return the smallest part that holds all of a mask, which must have at least one pixel."""
    lines = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return Box(*(Span(int(line[0]), int(line[-1]) + 1) for line in lines))


def _middle(span: Span) -> int:
    return (span.start + span.end - 1) // 2

"""Pictures that grow: by a share of their sides, to a size, or to a ratio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fooocus_ext.args import NONE
from fooocus_ext.edit import Edit
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.images.area import Size
from fooocus_ext.images.mask import Levels, Mask

_ROUNDING = 1e-6
"""Shares that are meant to give whole pixels are a hair less in binary."""


class Margins(NamedTuple):
    """How many pixels a picture grows at each side."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def size(self, size: Size) -> Size:
        """Return the (width, height) that a picture of that size gets."""
        return size[0] + self.left + self.right, size[1] + self.top + self.bottom


def named(edit: Edit) -> list[str]:
    """Return the names of the fields by which a picture grows."""
    sides = [f"outpaint_{side}" for side, share in edit.shares.items() if share]
    return sides if edit.outpaint_to == NONE else ["outpaint_to"]


def margins(edit: Edit, size: Size) -> Margins:
    """Return how many pixels a picture of (width, height) ``size`` grows.

    Raises:
        RequestError: it is larger than the size that it is to grow to, or grows by less than a pixel.
    """
    wanted = _wanted(edit, size)
    if wanted is None:
        sides = {"left": size[0], "right": size[0], "top": size[1], "bottom": size[1]}
        return Margins(**{name: _pixels(edit, name, side) for name, side in sides.items()})
    if wanted[0] < size[0] or wanted[1] < size[1]:
        raise RequestError(
            f"outpaint_to: got {describe(edit.outpaint_to)}; allowed: at least the picture's own "
            f"{size[0]}*{size[1]}."
        )
    more = wanted[0] - size[0], wanted[1] - size[1]
    return Margins(more[0] // 2, more[0] - more[0] // 2, more[1] // 2, more[1] - more[1] // 2)


def _pixels(edit: Edit, name: str, side: int) -> int:
    """Return by how many pixels a side of ``side`` grows at the end that is named."""
    share = edit.shares[name]
    pixels = int(share * side + _ROUNDING)
    if share and not pixels:
        raise RequestError(
            f"outpaint_{name}: got {describe(share)}, less than a pixel; allowed: 0, or at least a pixel "
            f"of the picture's {side}."
        )
    return pixels


def _wanted(edit: Edit, size: Size) -> Size | None:
    """Return the size that the picture is to grow to, or None if its sides say it."""
    if edit.target_ratio is None:
        return edit.target_size
    across, down = edit.target_ratio
    width, height = size
    return max(width, round(height * across / down)), max(height, round(width * down / across))


def grown(picture: Levels, mask: Mask, by: Margins) -> tuple[Levels, Mask]:
    """Return a larger picture [H,W,3], its edges drawn out, and its mask, which covers what is new."""
    rows, columns = (by.top, by.bottom), (by.left, by.right)
    return (
        np.pad(picture, (rows, columns, (0, 0)), mode="edge"),
        np.pad(mask, (rows, columns), constant_values=True),
    )

"""Masks: which part of a picture is made anew. [H,W] booleans, True where it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
Levels = NDArray[np.uint8]
"""[H,W] or [H,W,3], 0..255."""

LATENT = 8
"""Pixels to a latent, at each side."""
_FULL = 256
_FLAT = 2
"""Dimensions of a picture without channels."""


def read(image: Image.Image, size: tuple[int, int], *, threshold: int = 127) -> Mask:
    """Return the mask that a picture shows: bright is masked, and what is transparent is black.

    Args:
        image: of any size and mode.
        size: (width, height) in pixels of what is masked; the picture is stretched to it.
        threshold: 0..254; the mean of the channels must be above it.
    """
    levels = np.asarray(_stretched(without_alpha(image), size))
    if levels.ndim == _FLAT:
        return np.asarray(levels > threshold)
    return np.asarray(levels.sum(axis=2, dtype=np.uint16) > 3 * threshold)


def without_alpha(image: Image.Image) -> Image.Image:
    """Return a mask's picture in L or RGB, its transparent parts laid on black: nothing is masked there."""
    if image.mode in ("L", "RGB"):
        return image
    black = Image.new("RGBA", image.size, "black")
    black.alpha_composite(image.convert("RGBA"))
    return black.convert("RGB")


def resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """Return a mask in another (width, height) ``size``, with something masked if anything was.

    As in Fooocus, what is brighter than the middle after the change of size is masked. Of a mask so small
    or thin that nothing is, it is each pixel that a masked one falls into.
    """
    found = read(Image.fromarray(mask.astype(np.uint8) * 255), size)
    if not found.any():
        rows, columns = np.nonzero(mask)
        width, height = size
        found[rows * height // mask.shape[0], columns * width // mask.shape[1]] = True
    return found


def united(masks: Sequence[Mask], size: tuple[int, int]) -> Mask:
    """Return what any of several masks of (width, height) ``size`` covers; nothing if there are none."""
    return np.asarray(np.logical_or.reduce([np.zeros(size[::-1], bool), *masks]))


def grown(mask: Mask, pixels: int) -> Mask:
    """Return the mask grown by a number of pixels, also over corners; below 0, shrunk.

    What lies beyond the picture neither grows into it nor makes a mask at its edge shrink.
    """
    return ~_widened(~mask, -pixels) if pixels < 0 else _widened(mask, pixels)


def adjusted(mask: Mask, *, grow: int, invert: bool) -> Mask:
    """Return the mask grown or shrunk, and inverted after that, as Fooocus does."""
    changed = grown(mask, grow)
    return ~changed if invert else changed


def ramp(mask: Mask, width: int = 32) -> Levels:
    """Return how much of the new picture is seen: 255 in the mask, and less and less outside of it.

    Over ``width`` pixels it falls to 0 by equal parts, diagonals counting as one; 0 is a hard edge.
    """
    width = max(width, 1)
    distances = np.arange(width + 1)
    falling = (_FULL - _FULL * distances // width).clip(0, _FULL - 1).astype(np.uint8)
    return np.asarray(falling[_distances(mask, width)])


def _distances(mask: Mask, most: int) -> Levels:
    """Return how far each pixel is from the mask, diagonals counting as one, up to ``most`` (1..254).

    In two runs over the rows, as Rosenfeld and Pfaltz do: each pixel asks its neighbours above and at the
    left, then those below and at the right. So a wide reach takes no longer than a narrow one.
    """
    found = np.where(mask, 0, most).astype(np.uint8)
    columns = np.arange(mask.shape[1], dtype=np.int16)
    for rows in (found, found[::-1, ::-1]):
        above = np.full(len(columns), most, np.int16)
        for row in rows:
            nearest = row.astype(np.int16)
            np.minimum(nearest, above + 1, out=nearest)
            np.minimum(nearest[1:], above[:-1] + 1, out=nearest[1:])
            np.minimum(nearest[:-1], above[1:] + 1, out=nearest[:-1])
            above = np.minimum.accumulate(nearest - columns) + columns
            row[:] = above
    return found


def of_latents(mask: Mask) -> Mask:
    """Return the mask [h,w] of the latents: a latent is masked if any pixel of its 8x8 is.

    Raises:
        ValueError: the sides are no multiples of 8.
    """
    height, width = mask.shape
    if height % LATENT or width % LATENT:
        raise ValueError(f"{width}x{height} pixels are no whole number of latents")
    blocks = mask.reshape(height // LATENT, LATENT, width // LATENT, LATENT)
    return np.asarray(blocks.any(axis=(1, 3)))


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _widened(mask: Mask, pixels: int) -> Mask:
    """Return what is within a number of pixels of the mask, along both axes at once."""
    for axis in (0, 1):
        reach = 0
        while reach < pixels:
            step = min(
                reach + 1, pixels - reach
            )  # no farther, or what the edge cuts off would be missed
            mask = _shifted_both_ways(mask, step, axis)
            reach += step
    return mask


def _shifted_both_ways(mask: Mask, step: int, axis: int) -> Mask:
    wider = mask.copy()
    rows, from_here = np.moveaxis(wider, axis, 0), np.moveaxis(mask, axis, 0)
    rows[step:] |= from_here[:-step]
    rows[:-step] |= from_here[step:]
    return wider

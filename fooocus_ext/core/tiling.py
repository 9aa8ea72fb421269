"""Encoding and decoding large pictures in overlapping tiles, as Fooocus does when it upscales.

Three tilings, of square, wide and high tiles, are averaged, so that no seam is in all of them. Inside a
tiling the tiles are blended with weights that fall towards their borders (Fooocus 2.5.5,
``ldm_patched/modules/sd.py`` and ``utils.py``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

ENCODED_TILE, ENCODED_OVERLAP = 512, 64
"""In pixels, for encoding a picture."""
DECODED_TILE, DECODED_OVERLAP = 64, 16
"""In latents, for decoding one."""

Function = Callable[[torch.Tensor], torch.Tensor]


def averaged(
    values: torch.Tensor, function: Function, *, tile: int, overlap: int, scale: float
) -> torch.Tensor:
    """Apply ``function`` in three tilings, and return their mean.

    Args:
        values: a picture or its latent [1,C,h,w]; ``h * scale`` and ``w * scale`` are whole numbers.
        function: maps a tile [1,C,a,b] to [1,D,a * scale,b * scale].
        tile: the side of a square tile; the others are half and twice as long.
        overlap: of neighbours.
        scale: how much larger ``function`` makes a side.

    Raises:
        ValueError: a side is no multiple of ``1 / scale``, so a tile would be cut off or vanish.
    """
    if any(side * scale % 1 for side in values.shape[2:]):
        raise ValueError(f"sides {tuple(values.shape[2:])} are no multiples of {1 / scale:g}")
    shapes = ((tile, tile), (tile * 2, tile // 2), (tile // 2, tile * 2))
    total = sum(_tiled(values, function, shape, overlap, scale) for shape in shapes)
    return torch.as_tensor(total) / len(shapes)


def _tiled(
    values: torch.Tensor, function: Function, shape: tuple[int, int], overlap: int, scale: float
) -> torch.Tensor:
    """Apply ``function`` to tiles of (width, height), and blend what comes out."""
    width, height = shape
    blended = weights = None
    full = [int(side * scale) for side in values.shape[2:]]
    for top in range(0, values.shape[2], height - overlap):
        for left in range(0, values.shape[3], width - overlap):
            out = function(values[:, :, top : top + height, left : left + width])
            if blended is None or weights is None:
                blended = out.new_zeros(1, out.shape[1], *full)
                weights = out.new_zeros(1, 1, *full)
            feather = round(overlap * scale)
            mask = _ramps(out.shape[2], feather)[:, None] * _ramps(out.shape[3], feather)
            mask = mask.to(out)
            y, x = round(top * scale), round(left * scale)
            there = (..., slice(y, y + out.shape[2]), slice(x, x + out.shape[3]))
            blended[there] += out * mask
            weights[there] += mask
    assert blended is not None  # noqa: S101  (there is at least one tile)
    assert weights is not None  # noqa: S101
    return blended / weights


@functools.lru_cache(maxsize=16)  # most tiles are of a size
def _ramps(length: int, feather: int) -> torch.Tensor:
    """Return weights [length] that rise to 1 within ``feather`` of both ends."""
    weights = torch.ones(length)
    for step in range(feather):
        share = (1.0 / feather) * (step + 1)
        weights[step : step + 1] *= share
        weights[length - 1 - step : length - step] *= share
    return weights

"""Features of pictures for the Frechet distance: wavelet scattering and colours, nothing learned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks._tunnel.arrays import Numbers, Pixels
from benchmarks._tunnel.measures import LUMINANCE

SCALES, ANGLES = 4, 4
GRID = 4
"""colours are averaged over this many parts of each side"""
DIMENSIONS = 8
FLOOR = 1e-3
"""added to scattering coefficients (of pictures in 0..1) before the logarithm"""
BATCH = 16
DESCRIPTION = (
    f"logarithms of the mean wavelet scattering coefficients of the luminance (kymatio, {SCALES} scales, "
    f"{ANGLES} angles, two orders) and mean colours of {GRID}x{GRID} parts, both blocks with equal weight"
)


@cache
def _scattering(shape: tuple[int, int]) -> Any:
    from kymatio.numpy import Scattering2D  # noqa: PLC0415 - slow to import

    return Scattering2D(J=SCALES, shape=shape, L=ANGLES)


def raw_features(pictures: Pixels) -> tuple[Numbers, Numbers]:
    """Return (scattering [N,S], colours [N,C]) of uint8 pictures [N,H,W,3]; H and W are multiples of 16."""
    scaled = pictures.astype(np.float64) / 255
    number, height, width, channels = scaled.shape
    scatter = _scattering((height, width))
    parts = [scatter(scaled[i : i + BATCH] @ LUMINANCE) for i in range(0, number, BATCH)]
    means = np.concatenate([part.mean(axis=(-2, -1)) for part in parts])
    blocks = scaled.reshape(number, GRID, height // GRID, GRID, width // GRID, channels)
    return np.log(np.maximum(means, 0) + FLOOR), blocks.mean(axis=(2, 4)).reshape(number, -1)


@dataclass(frozen=True)
class Projection:
    """The linear map from raw features to the space in which distributions are compared.

    Both blocks are standardised and weighted alike, then projected on the leading principal axes of
    the pictures that the map was fitted to. Those pictures have a total variance of 1 there, so that
    a squared distance of 0.1 is a tenth of what tells true pictures from each other.
    """

    means: Numbers
    matrix: Numbers
    explained: float

    @staticmethod
    def fit(pictures: Pixels, dimensions: int) -> tuple[Projection, Numbers]:
        """Fit to uint8 pictures [N,H,W,3]; return the map and the features [N,dimensions] of them."""
        blocks = raw_features(pictures)
        raw = np.concatenate(blocks, axis=1)
        scale = [(block.std(axis=0) + 1e-6) * block.shape[1] ** 0.5 for block in blocks]
        means, weights = raw.mean(axis=0), 1 / np.concatenate(scale)
        _, sizes, axes = np.linalg.svd((raw - means) * weights, full_matrices=False)
        variances = sizes**2 / len(raw)
        kept = variances[:dimensions].sum()
        matrix = weights[:, None] * axes[:dimensions].T / kept**0.5
        projection = Projection(means, matrix, float(kept / variances.sum()))
        return projection, (raw - means) @ matrix

    def __call__(self, pictures: Pixels) -> Numbers:
        """Return the features [N,dimensions] of uint8 pictures [N,H,W,3]."""
        raw = np.concatenate(raw_features(pictures), axis=1)
        projected: Numbers = (raw - self.means) @ self.matrix
        return projected


def suitable_dimensions(samples: int) -> int:
    """Return how many dimensions a covariance can have that is estimated from so many pictures.

    The same from 32 pictures on: distances in spaces of different dimensions cannot be compared.
    """
    return min(max(samples // 4, 2), DIMENSIONS)

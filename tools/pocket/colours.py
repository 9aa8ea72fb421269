"""Colours of paint: variations, mixtures, light and gradients. Components are 0..255."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from PIL import Image

Colour = tuple[int, int, int]


def near(colour: Sequence[float], random: Random, spread: float = 12) -> Colour:
    """The colour, a little off: `spread` is the deviation of each component."""
    red, green, blue = (int(min(max(c + random.gauss(0, spread), 0), 255)) for c in colour)
    return red, green, blue


def lit(colour: Sequence[float], light: Sequence[float]) -> Colour:
    """The colour in coloured light, components 0..1."""
    red, green, blue = (int(c * factor) for c, factor in zip(colour, light, strict=True))
    return red, green, blue


def mixed(first: Sequence[float], second: Sequence[float], share: float) -> Colour:
    """`share` of the second colour in the first."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(size: tuple[int, int], top: Sequence[float], bottom: Sequence[float]) -> Image.Image:
    """A picture of `size` = (width, height) that changes from the colour at its top to that at its bottom."""
    rows = np.linspace(0, 1, size[1])[:, None, None]
    pixels = np.array(top) * (1 - rows) + np.array(bottom) * rows
    return Image.fromarray(np.broadcast_to(pixels, (size[1], size[0], 3)).astype(np.uint8))

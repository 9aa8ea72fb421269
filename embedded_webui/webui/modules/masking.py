"""Doubles modules/masking.py: where a mask is, and what lies under it at the start."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

FILL_BLURS = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""(radius, repeats): from coarse to fine, so that nearby colours win"""


def _blur_rows(array: np.ndarray, sigma: int) -> np.ndarray:
    """Gaussian blur along the last axis, borders mirrored without repeating the edge pixel."""
    radius = int(2.5 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    mode = "reflect" if array.shape[1] > radius else "edge"
    padded = np.pad(array, ((0, 0), (radius, radius)), mode=mode)
    return np.stack([np.convolve(row, kernel, mode="valid") for row in padded])


def gaussian_blur(mask: Image.Image, sigma_x: int, sigma_y: int) -> Image.Image:
    """A greyscale mask blurred by this many pixels in x and y; kernels reach 2.5 sigma."""
    array = np.asarray(mask.convert("L"), dtype=np.float64)
    if sigma_x > 0:
        array = np.rint(_blur_rows(array, sigma_x))
    if sigma_y > 0:
        array = np.rint(_blur_rows(array.T, sigma_y).T)
    return Image.fromarray(array.astype(np.uint8))


def get_crop_region_v2(mask, pad=0):
    """(x1, y1, x2, y2) around everything masked, widened by `pad` inside the picture.

    None for a blank mask.
    """
    mask = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    box = mask.getbbox()
    if box is None or not pad:
        return box
    x1, y1, x2, y2 = box
    return max(x1 - pad, 0), max(y1 - pad, 0), min(x2 + pad, mask.width), min(y2 + pad, mask.height)


def _widen(low: int, high: int, wanted: int, limit: int) -> tuple[int, int]:
    """The interval made longer by the difference to `wanted`, shifted and then cut to stay in 0..limit."""
    missing = int(wanted - (high - low))
    low -= missing // 2
    high += missing - missing // 2
    if high >= limit:
        low, high = low - (high - limit), limit
    if low < 0:
        low, high = 0, high - low
    return low, min(high, limit)


def expand_crop_region(crop_region, processing_width, processing_height, image_width, image_height):
    """The region widened to the ratio in which it will be processed."""
    x1, y1, x2, y2 = crop_region
    ratio = processing_width / processing_height
    if (x2 - x1) / (y2 - y1) > ratio:
        y1, y2 = _widen(y1, y2, int((x2 - x1) / ratio - (y2 - y1)) + (y2 - y1), image_height)
    else:
        x1, x2 = _widen(x1, x2, int((y2 - y1) * ratio - (x2 - x1)) + (x2 - x1), image_width)
    return x1, y1, x2, y2


def fill(image, mask):
    """The picture with its masked part filled from what surrounds it."""
    filled = Image.new("RGBA", image.size)
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    for radius, repeats in FILL_BLURS:
        blurred = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(repeats):
            filled.alpha_composite(blurred)
    return filled.convert("RGB")

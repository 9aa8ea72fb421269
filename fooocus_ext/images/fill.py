"""What stands in the masked part before it is made anew: a smooth continuation of what is around it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from fooocus_ext.images.mask import Levels, Mask

_BLURS = ((512, 2), (256, 2), (128, 4), (64, 4), (33, 8), (15, 8), (5, 16), (3, 16))
"""(radius in pixels, how many times), in order: Fooocus's numbers."""


def from_around(picture: Levels, mask: Mask) -> Levels:
    """Return a picture [H,W,3] whose masked part continues the rest, which stays as it is."""
    filled = picture
    for radius, times in _BLURS:
        blur = ImageFilter.BoxBlur(radius)
        for _ in range(times):
            blurred = np.asarray(Image.fromarray(filled).filter(blur))
            filled = np.where(mask[..., None], blurred, picture)
    return filled

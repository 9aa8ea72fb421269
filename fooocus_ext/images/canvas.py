"""A picture that is edited: what of it is handed to the webui, and how the result is put back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fooocus_ext.edit import Edit
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.images import area, fill, mask, outpaint
from fooocus_ext.images.area import Box
from fooocus_ext.images.decoding import refuse_size
from fooocus_ext.images.mask import Levels, Mask

_FILLED_FROM = 0.99
"""Above this strength the masked part's own content plays no part any more, and is filled."""

Enlarge = Callable[[Image.Image], Image.Image]
"""Makes a picture larger, by any factor, without stretching it."""


@dataclass(frozen=True)
class Canvas:
    """A picture and what is made anew of it.

    Attributes:
        picture: [H,W,3], grown if it is outpainted.
        mask: [H,W], what is made anew.
        box: the part that is looked at.
        crop: that part in its working size, as it was.
        crop_mask: its mask [h,w].
        start: what sampling starts with: the crop, or the crop with its masked part filled.
        feather: over how many pixels outside the mask the result fades into the picture.
    """

    picture: Levels
    mask: Mask
    box: Box
    crop: Image.Image
    crop_mask: Mask
    start: Image.Image
    feather: int

    def pasted(self, made: Image.Image) -> Image.Image:
        """Return the picture with a result of the crop, of any size, in its place.

        Beyond the mask's ramp, and beyond the box, it is the picture, byte for byte.
        """
        fitted = made.convert("RGB").resize(self.box.size, Image.Resampling.LANCZOS)
        seen, shares = self._seen
        (top, bottom), (left, right) = seen
        whole = self.picture.copy()
        part = whole[self.box.slices][seen.slices]
        new = fitted.crop((left, top, right, bottom))
        part[:] = np.asarray(Image.composite(new, Image.fromarray(part), shares))
        return Image.fromarray(whole)

    @functools.cached_property
    def _seen(self) -> tuple[Box, Image.Image]:
        """The part of the box where anything of a result is seen, and how much: the same for each result."""
        height, width = self.mask.shape
        near = self.box.wider(self.feather, (width, height))  # where masks matter to the ramp
        levels = mask.ramp(self.mask[near.slices], self.feather)
        skipped = self.box.rows.start - near.rows.start, self.box.columns.start - near.columns.start
        inner = (
            slice(n, n + length) for n, length in zip(skipped, self.box.size[::-1], strict=True)
        )
        levels = levels[tuple(inner)]
        seen = area.covered(levels > 0 if levels.any() else levels == 0)
        return seen, Image.fromarray(levels[seen.slices])


def check(picture: Image.Image, masks: Sequence[Image.Image], edit: Edit) -> None:
    """Raise RequestError where ``prepare`` would."""
    _grown(picture, masks, edit)


def prepare(
    picture: Image.Image,
    masks: Sequence[Image.Image],
    edit: Edit,
    *,
    side: int = area.SIDE,
    enlarge: Enlarge | None = None,
) -> Canvas:
    """Return what is handed to the webui of a picture.

    Args:
        picture: in RGB.
        masks: bright where it is to be made anew, each stretched to the picture; any of them counts.
        edit: what becomes of it.
        side: in pixels, of a square with the area in which the model makes pictures; a multiple of 64.
        enlarge: what a part that is too small is given to before it is brought to its size.

    Raises:
        RequestError: nothing is masked, and the picture does not grow; or it would grow too large.
    """
    levels, masked = _grown(picture, masks, edit)
    box = area.around(masked, edit.field_in_effect)
    crop = Image.fromarray(levels[box.slices])
    if enlarge is not None and area.is_small(crop.size, side):
        crop = enlarge(crop)
    size = area.working_size(crop.size, side)
    crop = crop if crop.size == size else crop.resize(size, Image.Resampling.LANCZOS)
    crop_mask = mask.resized(masked[box.slices], size)
    start = crop
    if edit.strength_in_effect > _FILLED_FROM:
        start = Image.fromarray(fill.from_around(np.asarray(crop), crop_mask))
    return Canvas(levels, masked, box, crop, crop_mask, start, edit.feather)


def _grown(picture: Image.Image, masks: Sequence[Image.Image], edit: Edit) -> tuple[Levels, Mask]:
    """Return the picture [H,W,3] and its mask, outpainted."""
    by = outpaint.margins(edit, picture.size)
    refuse_size(by.size(picture.size), ", ".join(outpaint.named(edit)))
    drawn = [mask.read(each, picture.size, threshold=edit.mask_threshold) for each in masks]
    united = mask.united(drawn, picture.size)
    masked = mask.adjusted(united, grow=edit.mask_grow, invert=edit.mask_invert)
    if not masked.any() and not any(by):
        if edit.outpaints:
            raise RequestError(
                f"outpaint_to: got {describe(edit.outpaint_to)}, which the picture has already; allowed: "
                "a larger size, another ratio, or a mask of what is to be made anew."
            )
        raise RequestError(
            "mask: nothing is masked; allowed: a mask that is white where the picture is to be made "
            "anew, or an amount to outpaint."
        )
    return outpaint.grown(np.asarray(picture), masked, by)

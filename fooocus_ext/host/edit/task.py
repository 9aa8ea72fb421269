"""What a job edits: the picture, its masks and the edit; and how the webui's request carries it."""

from __future__ import annotations

import dataclasses
import weakref
from dataclasses import dataclass
from typing import Any

from PIL import Image

from fooocus_ext.edit import Edit
from fooocus_ext.host.machine import upscalers
from fooocus_ext.images import area, canvas
from fooocus_ext.images.canvas import Canvas
from fooocus_ext.images.mask import LATENT

OPTIONS = {"img2img_fix_steps": True, "img2img_color_correction": False}
"""The webui's options for such a job: as many steps as asked for, and no other blend of colours than ours."""
_ATTRIBUTE = "_fooocus_edit"
_AS_IT_IS = 1
"""The webui's ``inpainting_fill`` for a masked part that is handed over filled."""
_UPSCALED = 4
"""How many times larger Fooocus's upscaler makes a part that is too small."""


@dataclass(frozen=True)
class Task:
    """A picture of which a part is made anew.

    Attributes:
        edit: what becomes of it.
        picture: in RGB.
        masks: bright where it is made anew; any of them counts.
        side: in pixels, of a square with the area in which the model makes pictures.
        upscaler: the webui's name of the one that enlarges a small part; None for the best installed.
    """

    edit: Edit
    picture: Image.Image
    masks: tuple[Image.Image, ...] = ()
    side: int = area.SIDE
    upscaler: str | None = None

    def prompt(self, prompt: str) -> str:
        """Return the prompt with the additional one as its first line."""
        return "\n".join(filter(None, (self.edit.additional_prompt, prompt)))

    def check(self) -> None:
        """Raise RequestError if there is nothing to edit, or no such upscaler; before it waits its turn."""
        canvas.check(self.picture, self.masks, self.edit)
        upscalers.find(self.upscaler)

    def canvas(self) -> Canvas:
        """Return what is handed to the webui; the caller holds its queue. Raises RequestError."""
        upscaler = upscalers.find(self.upscaler)

        def enlarge(image: Image.Image) -> Image.Image:
            if min(image.size) * _UPSCALED < LATENT:
                return image  # the webui rounds down to multiples of 8: nothing would be left
            return upscalers.enlarged(image, _UPSCALED, upscaler)

        return canvas.prepare(
            self.picture,
            self.masks,
            self.edit,
            side=self.side,
            enlarge=None if upscaler.name == upscalers.PLAIN else enlarge,
        )


@dataclass(frozen=True)
class Asked:
    """What a request edits; without a canvas, all of its picture, as the webui does by itself."""

    edit: Edit
    canvas: Canvas | None
    owner: weakref.ref[Any]


def request(of: Canvas) -> dict[str, Any]:
    """Return the fields of the webui's request by which it samples the part; the blends are ours."""
    width, height = of.start.size
    return {
        "width": width,
        "height": height,
        "mask": Image.fromarray(of.crop_mask).convert("L"),
        "mask_blur": 0,
        "inpainting_fill": _AS_IT_IS,
        "inpaint_full_res": False,
    }


def ask_for(p: Any, edit: Edit, of: Canvas | None = None) -> None:
    """Have ``p`` say what it edits, and edit a part of it, where its fields are those of ``request``."""
    recorded = dataclasses.replace(edit, additional_prompt="")  # which the prompt contains
    setattr(p, _ATTRIBUTE, Asked(recorded, of, weakref.ref(p)))


def asked_of(p: Any) -> Asked | None:
    """Return what ``p`` itself edits; None for a copy, which other extensions make for pictures of theirs."""
    asked: Asked | None = getattr(p, _ATTRIBUTE, None)
    return asked if asked is not None and asked.owner() is p else None

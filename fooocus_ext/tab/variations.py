"""What Generate and the buttons of a picture can do, by name.

The numbers are Fooocus's; those that a request over the API has too are in ``edit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fooocus_ext.edit import FAST, MODES, UPSCALE, VARY, Edit

GENERATE, EDIT = "generate", "edit"
"""A new picture; and the input picture with a part of it made anew. Others: the keys of ``VARIATIONS``."""


@dataclass(frozen=True)
class Variation:
    """What becomes of a picture.

    Attributes:
        label: what its button says.
        denoising: how much of the picture is made anew, 0..1; 0 if it is enlarged and no more.
        scale: how much larger it becomes.
    """

    label: str
    denoising: float
    scale: float = 1.0

    @property
    def enlarges(self) -> bool:
        """Whether an upscaler makes the picture larger first."""
        return self.scale != 1.0


VARIATIONS: Mapping[str, Variation] = {
    "vary_subtle": Variation("Vary (subtle)", MODES[VARY].strength),
    "vary_strong": Variation("Vary (strong)", 0.85),
    "upscale_1_5": Variation("Upscale 1.5x", MODES[UPSCALE].strength, 1.5),
    "upscale_2": Variation("Upscale 2x", MODES[UPSCALE].strength, 2.0),
    "upscale_fast": Variation("Upscale 2x, fast", 0.0, 2.0),
}
UPSCALES: Mapping[str, str] = {"1.5x": "upscale_1_5", "2x": "upscale_2", FAST: "upscale_fast"}
"""Which of them an edit's ``scale`` asks for."""


def variation_as_edit(variation: Variation) -> Edit:
    """Return the edit that asks for a variation, as the infotext has it."""
    mode = UPSCALE if variation.enlarges else VARY
    is_usual = variation.denoising in (0.0, MODES[mode].strength)
    edit = Edit(mode=mode, strength=None if is_usual else variation.denoising)
    if not variation.enlarges:
        return edit
    return replace(edit, scale=f"{variation.scale:g}x" if variation.denoising else FAST)


def variation_of(edit: Edit) -> tuple[str, float | None]:
    """Return which of ``VARIATIONS`` an edit of a whole picture is, and its strength if that is forced."""
    strength = edit.strength_in_effect
    if edit.mode == VARY:
        alike = (key for key, each in VARIATIONS.items() if not each.enlarges)
        key = next((key for key in alike if VARIATIONS[key].denoising == strength), "vary_subtle")
    else:
        key = UPSCALES[edit.scale]
    usual = VARIATIONS[key].denoising
    return key, strength if usual and strength != usual else None

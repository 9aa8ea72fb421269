"""What Generate and the buttons of a picture can do, by name.

The numbers are Fooocus's; those that a request over the API has too are in ``edit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fooocus_ext.edit import FAST, MODES, UPSCALE, VARY

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

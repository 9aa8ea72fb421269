"""What Generate and the buttons of a picture can do, by name.

The numbers are Fooocus's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    "vary_subtle": Variation("Vary (subtle)", 0.5),
    "vary_strong": Variation("Vary (strong)", 0.85),
    "upscale_1_5": Variation("Upscale 1.5x", 0.382, 1.5),
    "upscale_2": Variation("Upscale 2x", 0.382, 2.0),
    "upscale_fast": Variation("Upscale 2x, fast", 0.0, 2.0),
}

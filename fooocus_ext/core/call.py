"""One call of the denoising model, as the guidance arithmetic sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SDXL_BASE_CONTEXT = 2048
SDXL_BASE_VECTOR = 2816


@dataclass
class ModelCall:
    """What goes into one model call and how to read what comes out of it.

    The rows of ``x`` are laid out as every A1111 version does: the prompt parts (AND) of image 0, of
    image 1, ..., then one unconditional row per image. All rows share one noise level.

    Attributes:
        x: noisy latents, [N + B, C, h, w], N prompt parts of B images.
        timestep: the model timestep 0..999 of this call, possibly fractional.
        parts: number of prompt parts of each image; its sum is N, its length B.
        cfg_scale: the guidance scale that the host will combine with.
        signal: the schedule's alphas_cumprod at this timestep for each row [N + B] with the DDIM
            family, whose outputs are noise (eps); None with k-diffusion samplers, whose outputs
            are clean latents (x0).
        text_cond: conditioning of the N parts; a tensor, or for SDXL a dict with ``crossattn`` and
            ``vector``. Fresh for each call, so it may be edited in place.
        text_uncond: the same for the B unconditional rows.
    """

    x: Tensor
    timestep: float
    parts: tuple[int, ...]
    cfg_scale: float
    signal: Tensor | None
    text_cond: Any
    text_uncond: Any

    @property
    def cond_rows(self) -> int:
        """N, the number of conditional rows."""
        return sum(self.parts)

    @property
    def image_of_row(self) -> list[int]:
        """For each of the N conditional rows, the image it belongs to."""
        return [image for image, count in enumerate(self.parts) for _ in range(count)]

    @property
    def first_row_of_image(self) -> list[int]:
        """For each of the B images, its first conditional row."""
        return [sum(self.parts[:image]) for image in range(len(self.parts))]

    def is_sdxl_base(self) -> bool:
        """Whether the conditioning is SDXL base's, told by its widths alone."""
        if not isinstance(self.text_cond, dict) or "vector" not in self.text_cond:
            return False
        context = self.text_cond["crossattn"].shape[-1]
        vector = self.text_cond["vector"].shape[-1]
        return bool(context == SDXL_BASE_CONTEXT and vector == SDXL_BASE_VECTOR)

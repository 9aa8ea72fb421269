"""One call of the denoising model, as A1111's callbacks show it, in the rows that guidance asks for.

A1111 lays out the rows of a call in every version the same way: the prompt parts (AND) of image 0, of
image 1, ..., N in all, then one unconditional row for each of the B images. All share one noise level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fooocus_ext.core import guidance
from fooocus_ext.generation import hooks

if TYPE_CHECKING:
    from modules.script_callbacks import CFGDenoiserParams

    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.edit.editing import Editing


@dataclass(frozen=True)
class ModelCall:
    """What goes into one model call, and how to read what comes out of it.

    Attributes:
        x: noisy latents [N + B,C,h,w].
        timestep: the model timestep 0..999 of this call, possibly fractional.
        parts: number of prompt parts of each image; its sum is N, its length B.
        cfg_scale: the guidance scale that the webui will combine with.
        signal: the schedule's alphas_cumprod of each row [N + B] with the DDIM family, whose outputs
            are noise (eps); None with k-diffusion samplers, whose outputs are clean latents (x0).
    """

    x: torch.Tensor
    timestep: float
    parts: tuple[int, ...]
    cfg_scale: float
    signal: torch.Tensor | None

    @property
    def cond_rows(self) -> int:
        """N, the number of conditional rows."""
        return sum(self.parts)

    @property
    def image_of_row(self) -> list[int]:
        """For each of the N conditional rows, the image it belongs to."""
        return _image_of_row(self.parts)

    @property
    def first_row_of_image(self) -> list[int]:
        """For each of the B images, its first conditional row."""
        return [sum(self.parts[:image]) for image in range(len(self.parts))]

    def guide(self, generation: Generation, out: torch.Tensor) -> None:
        """Guide the model's outputs for all rows [N + B,C,h,w], in place: the webui reads nothing back."""
        rows = self.cond_rows
        if out.shape[0] != rows + len(self.parts):
            return
        cond, uncond = out[:rows], out[rows:]
        is_damped = guidance.is_damped(self.cfg_scale, generation.settings.adaptive_cfg)
        guided = hooks.guide(
            generation,
            self.x[:rows],
            cond,
            _rows(uncond, self.image_of_row) if is_damped else None,
            timestep=self.timestep,
            cfg_scale=self.cfg_scale,
            signal=None if self.signal is None else self.signal[:rows],
            spared=self._is_spared(out) if is_damped else None,
        )
        if guided is not cond:
            cond.copy_(guided)

    def _is_spared(self, out: torch.Tensor) -> torch.Tensor:
        """Return whether the webui has spared the unconditional half, in a tensor on the device.

        Then (NGMS, Skip Early CFG) it copies each image's first conditional row there and combines with
        scale 1, so there is no high scale to damp.
        """
        firsts = _rows(out, self.first_row_of_image)
        return (firsts == out[self.cond_rows :]).all()


def _rows(values: torch.Tensor, rows: list[int]) -> torch.Tensor:
    """Return some rows of a tensor; indexing it with a list would make the CPU wait for a GPU."""
    return torch.cat([values[row : row + 1] for row in rows])


def read_model_call(params: CFGDenoiserParams, denoiser: Any) -> ModelCall | None:
    """Describe the model call that the webui is about to make.

    Returns None where the rows do not follow the layout that guidance relies on: instruct-pix2pix
    models (a third block of rows) and anything else with foreign rows.
    """
    parts = _parts(denoiser)
    if params.x.shape[0] != sum(parts) + len(parts):
        return None
    inner = denoiser.inner_model
    is_k_diffusion = _is_k_diffusion(denoiser)
    level = params.sigma[:1]
    return ModelCall(
        x=params.x,
        timestep=float(inner.sigma_to_t(level) if is_k_diffusion else level),
        parts=parts,
        cfg_scale=float(denoiser.sampler.sampler_extra_args["cond_scale"]),
        signal=None if is_k_diffusion else denoiser.alphas[params.sigma.long()],
    )


def show_picture(editing: Editing, params: CFGDenoiserParams, denoiser: Any) -> None:
    """Show the model the picture of an edit outside of its mask, unless the rows are foreign."""
    parts = _parts(denoiser)
    rows = [*_image_of_row(parts), *range(len(parts))]  # the unconditional ones are last
    if len(rows) != len(params.x):
        return
    level, signal = params.sigma[0], 1.0
    if not _is_k_diffusion(denoiser):
        share = denoiser.alphas[level.long()]
        level, signal = (1 - share).sqrt(), share.sqrt()
    params.x = editing.shown(params.x, denoiser, signal=signal, noise=level, image_of_row=rows)


def _parts(denoiser: Any) -> tuple[int, ...]:
    """Return the number of prompt parts of each image."""
    return tuple(len(prompt) for prompt in denoiser.sampler.sampler_extra_args["cond"].batch)


def _image_of_row(parts: tuple[int, ...]) -> list[int]:
    """Return for each conditional row the image it belongs to."""
    return [image for image, count in enumerate(parts) for _ in range(count)]


def _is_k_diffusion(denoiser: Any) -> bool:
    """Whether levels are sigmas; with the DDIM family they are timesteps."""
    return hasattr(denoiser.inner_model, "sigmas")


def nearest_timestep(params: CFGDenoiserParams, denoiser: Any) -> int:
    """Return the whole timestep 0..999 of a model call, by which the webui's own refiner decides.

    With LCM that one takes the number of a level, which is below 50, for its timestep.
    """
    inner = denoiser.inner_model
    level = params.sigma.max()
    if not _is_k_diffusion(denoiser):
        return int(level)
    nearest = int(torch.argmin(torch.abs(inner.sigmas.to(level.device) - level)))
    steps = getattr(inner, "skip_steps", 1)  # LCM knows the last of every 20 timesteps
    return (nearest + 1) * steps - 1

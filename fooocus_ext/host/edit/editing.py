"""A part of a picture made anew by the webui's img2img, with Fooocus's blends in place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from modules import sd_samplers_common, shared

from fooocus_ext.edit import INFOTEXT
from fooocus_ext.generation.host import MaskedLatents
from fooocus_ext.host.edit import task
from fooocus_ext.images import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.images.canvas import Canvas

_GREY = 0.5
_SEEDS = 2**63 - 1


def take_part(p: Any, generation: Generation) -> Editing | None:
    """Return the part that ``p`` makes anew of a picture; None if it makes none or all of it anew.

    The infotext says what it edits.
    """
    asked = task.asked_of(p)
    if asked is None:
        return None
    p.extra_generation_params[INFOTEXT] = asked.edit.to_text()
    return None if asked.canvas is None else Editing(p, generation, asked.edit, asked.canvas)


class Editing:
    """One part of a picture that one processing object makes anew.

    Attributes:
        edit: what becomes of it.
    """

    def __init__(self, p: Any, generation: Generation, edit: Edit, canvas: Canvas) -> None:
        self.edit = edit
        self._canvas = canvas
        self._generation = generation
        self._noise: list[torch.Generator] = []
        init = p.init

        def init_masked(*args: Any, **kwargs: Any) -> None:
            init(*args, **kwargs)
            self._take_mask(p)

        generation.override(p, "init", init_masked)

    def _take_mask(self, p: Any) -> None:
        """Put our mask of latents in place of the webui's, and leave the last blend to ``pasted``."""
        masked = self._mask_of_latents(p.nmask)
        p.nmask, p.mask = masked.expand_as(p.nmask).clone(), (1 - masked).expand_as(p.mask).clone()
        if self.edit.of_mode.starts_empty:
            p.init_latent = p.init_latent * p.mask
        p.overlay_images = p.mask_for_overlay = None

    def _mask_of_latents(self, like: torch.Tensor) -> torch.Tensor:
        """Return the mask [1,h,w], 1 where the picture is made anew."""
        return torch.from_numpy(mask.of_latents(self._canvas.crop_mask)).to(like)[None]

    def prepare_batch(self, p: Any) -> None:
        """Prepare the sampling of a batch: its noise outside of the mask, and the engine."""
        self.begin_noise(p)
        engine = self._generation.inpaint_engine
        if engine is not None:
            masked = self._mask_of_latents(p.init_latent.float())[None]
            engine.prepare_batch(p, MaskedLatents(masked, lambda: self._masked(p)))

    def begin_noise(self, p: Any, *, later: int = 0) -> None:
        """Begin the noise outside of the mask anew, as each run of a sampler does in Fooocus.

        Args:
            p: the processing object, with the batch's seeds.
            later: by how much the run's seeds are higher.
        """
        self._noise = [
            torch.Generator(device="cpu").manual_seed((int(seed) + later + 1) % _SEEDS)
            for seed in p.seeds
        ]

    def _masked(self, p: Any) -> torch.Tensor:
        """Return the latents [1,4,h,w] of the picture with its masked part grey."""
        levels = np.asarray(self._canvas.crop).astype(np.float32) / 255
        levels[self._canvas.crop_mask] = _GREY
        image = torch.from_numpy(levels).permute(2, 0, 1)[None].to(shared.device)
        latents: torch.Tensor = sd_samplers_common.images_tensor_to_samples(image, 0, p.sd_model)
        return latents

    def shown(
        self,
        x: torch.Tensor,
        denoiser: Any,
        *,
        signal: torch.Tensor | float,
        noise: torch.Tensor,
        image_of_row: Sequence[int],
    ) -> torch.Tensor:
        """Return what the model is to see in a call: the picture, with fresh noise, outside of the mask.

        Without that it would see what its earlier calls made there, and the parts would grow apart.

        Args:
            x: noisy latents [N,C,h,w].
            denoiser: the webui's, with the B pictures' latents and their masks.
            signal: by how much this call scales clean latents.
            noise: by how much it scales noise; both are numbers or tensors of one.
            image_of_row: for each of the N rows, the picture that it belongs to, 0..B-1.
        """
        clean: torch.Tensor = denoiser.init_latent
        fresh = torch.stack([torch.randn(clean.shape[1:], generator=g) for g in self._noise])
        around = clean * signal + fresh.to(x) * noise
        inside: torch.Tensor = denoiser.nmask
        outside: torch.Tensor = denoiser.mask
        return x * inside + around[list(image_of_row)] * outside

    def leave_around_to_webui(self) -> None:
        """Note that nothing is `shown`: where a model does not predict noise, pictures are noised otherwise.

        The webui knows how, and its own blend stays.
        """
        self._generation.skipped["Fooocus's noise around what is made anew"] = (
            "this model noises pictures in another way"
        )

    def pasted(self, image: Image.Image) -> Image.Image:
        """Return the whole picture with the part that has been made anew in its place."""
        return self._canvas.pasted(image)

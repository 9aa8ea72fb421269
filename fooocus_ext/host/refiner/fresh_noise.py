"""The refiner method "vae": the refiner begins with the base's clean latent under fresh noise.

Fooocus made it for refiners with a latent space of their own, and also offers it for SDXL's: it gives
the refiner more to do than "separate" does (Fooocus 2.5.5, ``modules/default_pipeline.py``).
"""

from __future__ import annotations

from typing import Any

import torch

from fooocus_ext.core.noise_levels import is_pure_noise
from fooocus_ext.host.batch_noise import hosts_own, of_same_batch

LATER = 1
"""By how much the second run's seeds are higher."""


def renoised(
    p: Any, clean: torch.Tensor, seen: torch.Tensor, level: torch.Tensor, *, largest: float
) -> torch.Tensor:
    """Return a clean latent [B,C,h,w] under the first noise of each picture's seed plus 1.

    Args:
        p: the processing object. From here on its noise is that of the seeds plus 1.
        clean: the base's clean latents.
        seen: the noise that the base saw last; its mean over the channels, in which there is still
            something of the picture, takes the place of the fresh noise's.
        level: the noise level to reach.
        largest: the model's level of pure noise.
    """
    _reseed(hosts_own(p.rng), LATER)
    noise: torch.Tensor = p.rng.next().to(clean)
    noise = noise + seen.mean(dim=1, keepdim=True) - noise.mean(dim=1, keepdim=True)
    deviation = (1.0 + level**2) ** 0.5 if is_pure_noise(float(level), largest) else level
    return noise * deviation + clean


def _reseed(noise: Any, step: int) -> None:
    """Begin a batch's noise anew, in the same object, since samplers have hold of it."""
    vars(noise).update(vars(of_same_batch(noise, type(noise), seed_step=step)))

"""Samplers of Fooocus's that webuis have not, or have in another form.

A model is called as ``model(x, sigma [rows], **extra_args)`` and returns its guided prediction of the
clean latent; after each step ``callback`` is told of it, with k-diffusion's names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Model = Callable[..., torch.Tensor]
Told = Callable[[dict[str, Any]], None]


def latent_consistency(
    model: Model,
    x: torch.Tensor,
    sigmas: torch.Tensor,
    *,
    draw: Callable[[], torch.Tensor],
    extra_args: dict[str, Any],
    callback: Told,
) -> torch.Tensor:
    """Predict the clean latent, noise it to the next level, repeat (Luo et al. 2023).

    The model is asked as it is: what a consistency model would wrap around it is not this sampler's.

    Args:
        model: see above.
        x: the noisy latents [rows,C,h,w] at the first level.
        sigmas: falling noise levels, with a 0 at the end.
        draw: returns fresh unit noise like ``x``.
        extra_args: passed on to the model.
        callback: see above.
    """
    ones = x.new_ones([x.shape[0]])
    for step in range(len(sigmas) - 1):
        level, target = sigmas[step], sigmas[step + 1]
        denoised = model(x, level * ones, **extra_args)
        callback({"x": x, "i": step, "sigma": level, "sigma_hat": level, "denoised": denoised})
        x = denoised + target * draw() if target > 0 else denoised
    return x

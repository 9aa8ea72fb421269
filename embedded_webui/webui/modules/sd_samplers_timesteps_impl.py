"""Doubles modules/sd_samplers_timesteps_impl.py: DDIM (Song et al. 2021, equation 12)."""

from __future__ import annotations

import k_diffusion.sampling
import torch
from k_diffusion.progress import no_grad, steps_of


@no_grad
def ddim(model, x, timesteps, extra_args=None, callback=None, disable=None, eta=0.0):
    """DDIM over ascending `timesteps`, the first of which is where it ends; eta 1 is DDPM's noise."""
    # The levels are computed on the CPU, in double precision, which not every device has.
    timesteps = timesteps.cpu()
    alphas_cumprod = model.inner_model.inner_model.alphas_cumprod.cpu()
    alphas = alphas_cumprod[timesteps]
    alphas_prev = alphas_cumprod[torch.nn.functional.pad(timesteps[:-1], pad=(1, 0))].double()
    sigmas = eta * torch.sqrt((1 - alphas_prev) / (1 - alphas) * (1 - alphas / alphas_prev))
    extra_args = extra_args or {}
    ones = x.new_ones(x.shape[0])
    for i in steps_of(len(timesteps) - 1, disable):
        index = len(timesteps) - 1 - i
        eps = model(x, timesteps[index].item() * ones, **extra_args)
        a, a_prev, sigma = (
            x.new_tensor(values[index].item()) for values in (alphas, alphas_prev, sigmas)
        )
        pred_x0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        direction = (1.0 - a_prev - sigma**2).sqrt() * eps
        x = a_prev.sqrt() * pred_x0 + direction + sigma * k_diffusion.sampling.torch.randn_like(x)
        if callback is not None:
            callback({"x": x, "i": i, "sigma": 0, "sigma_hat": 0, "denoised": pred_x0})
    return x

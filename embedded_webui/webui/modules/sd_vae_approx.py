"""Doubles modules/sd_vae_approx.py: a linear map from latents to RGB, for live previews.

 The host ships fixed coefficients for Stable Diffusion's VAEs. Here they are fitted to the loaded
VAE, whatever it is: least squares between random smooth latents and their decoded pictures, shrunk
to the latent's size.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from modules import devices, shared

PROBES, SIZE = 8, 16


def _fit(model) -> torch.Tensor:
    """[5,3]: RGB in -1..1 = latent channels and a constant, times this."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(PROBES, 4, SIZE // 4, SIZE // 4, generator=generator)
    latents = functional.interpolate(coarse, size=SIZE, mode="bilinear").to(devices.device)
    with torch.no_grad(), devices.without_autocast():
        pictures = model.decode_first_stage(latents.to(model.first_stage_model.dtype)).float()
    pictures = functional.interpolate(pictures, size=SIZE, mode="area")
    inputs = torch.cat([latents.float(), torch.ones_like(latents[:, :1])], dim=1)
    rows, targets = (x.permute(0, 2, 3, 1).flatten(0, 2).cpu() for x in (inputs, pictures))
    return torch.linalg.lstsq(rows, targets).solution.to(devices.device)


def cheap_approximation(sample):
    """[B,4,h,w] latents to [B,3,h,w] RGB in -1..1."""
    model = shared.sd_model
    coefficients = getattr(model, "preview_coefficients", None)
    if coefficients is None:
        coefficients = model.preview_coefficients = _fit(model)
    coefficients = coefficients.to(sample.device)
    rgb = torch.einsum("bchw,cr->brhw", sample.float(), coefficients[:4])
    return rgb + coefficients[4][None, :, None, None]

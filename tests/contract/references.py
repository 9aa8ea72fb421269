"""What the tricks are by definition, computed slowly and in float64 from captured tensors.

Written from the definitions (docs of `fooocus_ext.core`), sharing no code with the extension.
"""

from __future__ import annotations

import math

import torch

RADIUS = 6
SIGMA = 3.0


def standardise(x0: torch.Tensor) -> torch.Tensor:
    """Return each row with mean 0 and (unbiased) standard deviation 1, as Fooocus divides."""
    deviation, mean = torch.std_mean(x0, dim=(1, 2, 3), keepdim=True)
    return (x0 - mean) / (deviation + 1e-5)


def bilateral(x: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """Return the 13x13 joint bilateral filter of x [rows,C,H,W], tap by tap."""
    height, width = x.shape[2:]
    pad = torch.nn.ReflectionPad2d(RADIUS)
    padded, padded_guide = pad(x), pad(guide)
    total, weights = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for dy in range(2 * RADIUS + 1):
        for dx in range(2 * RADIUS + 1):
            there = (..., slice(dy, dy + height), slice(dx, dx + width))
            distance = (padded_guide[there] - guide).abs().sum(1, keepdim=True)
            space = (dy - RADIUS) ** 2 + (dx - RADIUS) ** 2
            weight = torch.exp(-0.5 * (distance / SIGMA) ** 2 - 0.5 * space / SIGMA**2)
            total += weight * padded[there]
            weights += weight
    return total / weights


def sharpen_noise(
    eps: torch.Tensor, x0: torch.Tensor, sharpness: float, timestep: float
) -> torch.Tensor:
    """Return the noise after anisotropic guidance; everything float64."""
    alpha = 0.001 * sharpness * (1 - timestep / 999)
    return alpha * bilateral(eps, standardise(x0)) + (1 - alpha) * eps


def sharpen_x0(
    x: torch.Tensor, x0: torch.Tensor, sigma: float, sharpness: float, timestep: float
) -> torch.Tensor:
    """The same for samplers that see clean latents: x = x0 + sigma * eps."""
    x, x0 = x.double(), x0.double()
    return x - sigma * sharpen_noise((x - x0) / sigma, x0, sharpness, timestep)


def sharpen_eps(
    x: torch.Tensor, eps: torch.Tensor, signal: float, sharpness: float, timestep: float
) -> torch.Tensor:
    """The same for samplers that see noise: x = sqrt(signal) * x0 + sqrt(1 - signal) * eps."""
    x, eps = x.double(), eps.double()
    x0 = (x - math.sqrt(1 - signal) * eps) / math.sqrt(signal)
    return sharpen_noise(eps, x0, sharpness, timestep)


def adaptive_scale(scale: float, mimic: float, timestep: float) -> float:
    """Return the CFG scale that Fooocus effectively guides with."""
    return mimic + (scale - mimic) * (1 - timestep / 999) if scale > mimic else scale


def size_embedding(number: float) -> torch.Tensor:
    """Return SDXL's 256 numbers for one number of pixels, in float64."""
    angles = [number * math.exp(-math.log(10000) * k / 128) for k in range(128)]
    return torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])


def timestep_of(sigma: float, alphas_cumprod: torch.Tensor) -> float:
    """Return the timestep of a noise level, linear in log sigma between the table's entries."""
    table = [_log_sigma(alpha) for alpha in alphas_cumprod]
    wanted = math.log(sigma)
    if wanted <= table[0]:
        return 0.0
    for low in range(len(table) - 1):
        if wanted <= table[low + 1]:
            return low + (wanted - table[low]) / (table[low + 1] - table[low])
    return float(len(table) - 1)


def lcm_timestep_of(sigma: float, alphas_cumprod: torch.Tensor) -> float:
    """Return the one of LCM's 50 timesteps at which the model is called for a noise level."""
    timesteps = range(19, 1000, 20)
    return float(min(timesteps, key=lambda t: abs(_log_sigma(alphas_cumprod[t]) - math.log(sigma))))


def _log_sigma(alpha: torch.Tensor) -> float:
    return math.log(math.sqrt((1 - float(alpha)) / float(alpha)))

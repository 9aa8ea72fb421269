"""Doubles modules/sd_schedulers.py.

The schedule types, functions (n, sigma_min, sigma_max, ..., device) -> sigmas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import k_diffusion.sampling
import numpy as np
import torch

from modules import shared


@dataclasses.dataclass
class Scheduler:
    """A schedule type; `function` None means the sampler's own choice."""

    name: str
    label: str
    function: Callable | None
    default_rho: float = -1
    need_inner_model: bool = False
    aliases: list | None = None


def uniform(n, sigma_min, sigma_max, inner_model, device):
    """Equally spaced in timestep."""
    return inner_model.get_sigmas(n).to(device)


def sgm_uniform(n, sigma_min, sigma_max, inner_model, device):
    """Equally spaced in timestep, the smallest level left out."""
    start = inner_model.sigma_to_t(torch.tensor(sigma_max))
    end = inner_model.sigma_to_t(torch.tensor(sigma_min))
    levels = [float(inner_model.t_to_sigma(t)) for t in torch.linspace(start, end, n + 1)[:-1]]
    return torch.tensor([*levels, 0.0], dtype=torch.float32).to(device)


def normal_scheduler(n, sigma_min, sigma_max, inner_model, device):
    """Equally spaced in timestep, from the largest level to the smallest."""
    start = inner_model.sigma_to_t(torch.tensor(sigma_max))
    end = inner_model.sigma_to_t(torch.tensor(sigma_min))
    levels = [float(inner_model.t_to_sigma(t)) for t in torch.linspace(start, end, n)]
    return torch.tensor([*levels, 0.0], dtype=torch.float32).to(device)


def simple_scheduler(n, sigma_min, sigma_max, inner_model, device):
    """Every (1000 / n)th level of the model's table, from the largest."""
    stride = len(inner_model.sigmas) / n
    levels = [float(inner_model.sigmas[-(1 + int(step * stride))]) for step in range(n)]
    return torch.tensor([*levels, 0.0], dtype=torch.float32).to(device)


def ddim_scheduler(n, sigma_min, sigma_max, inner_model, device):
    """Every (1000 // n)th level of the model's table, from the second; more than n for most n."""
    stride = max(len(inner_model.sigmas) // n, 1)
    levels = [*inner_model.sigmas[1::stride].flip(0).tolist(), 0.0]
    return torch.tensor(levels, dtype=torch.float32).to(device)


# Sabour et al. 2024, "Align Your Steps": the levels that they found for ten steps.
ALIGNED = {
    True: (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029),
    False: (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029),
}


def get_align_your_steps_sigmas(n, sigma_min, sigma_max, device):
    """The published levels, interpolated to n of them in log sigma; for SDXL or for SD 1.5."""
    levels = np.array(ALIGNED[bool(shared.sd_model.is_sdxl)])
    if n != len(levels):
        places = np.linspace(0, 1, len(levels)), np.linspace(0, 1, n)
        levels = np.exp(np.interp(places[1], places[0], np.log(levels[::-1])))[::-1]
    return torch.tensor([*levels.tolist(), 0.0], dtype=torch.float32).to(device)


schedulers = [
    Scheduler("automatic", "Automatic", None),
    Scheduler("uniform", "Uniform", uniform, need_inner_model=True),
    Scheduler("karras", "Karras", k_diffusion.sampling.get_sigmas_karras, default_rho=7.0),
    Scheduler("exponential", "Exponential", k_diffusion.sampling.get_sigmas_exponential),
    Scheduler(
        "polyexponential",
        "Polyexponential",
        k_diffusion.sampling.get_sigmas_polyexponential,
        default_rho=1.0,
    ),
    Scheduler(
        "sgm_uniform", "SGM Uniform", sgm_uniform, need_inner_model=True, aliases=["SGMUniform"]
    ),
    Scheduler("align_your_steps", "Align Your Steps", get_align_your_steps_sigmas),
    Scheduler("simple", "Simple", simple_scheduler, need_inner_model=True),
    Scheduler("normal", "Normal", normal_scheduler, need_inner_model=True),
    Scheduler("ddim", "DDIM", ddim_scheduler, need_inner_model=True),
]
schedulers_map = {**{x.name: x for x in schedulers}, **{x.label: x for x in schedulers}}

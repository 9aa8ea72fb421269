"""Doubles modules/sd_schedulers.py.

The schedule types, functions (n, sigma_min, sigma_max, ..., device) -> sigmas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import k_diffusion.sampling
import torch


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
]
schedulers_map = {**{x.name: x for x in schedulers}, **{x.label: x for x in schedulers}}

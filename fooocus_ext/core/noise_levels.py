"""The noise levels at which Fooocus samples, to the last bit.

A level (sigma) is the noise's standard deviation beside a clean latent of about 1. Fooocus derives its
table of them from betas in double precision, webuis from products that were rounded to single. The last
bits matter: the noise of SDE samplers is a function of the levels (Fooocus 2.5.5,
``ldm_patched/modules/model_sampling.py``, ``samplers.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch

Schedule = Literal["karras", "exponential", "normal", "simple", "ddim_uniform", "sgm_uniform"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
TIMESTEPS = 1000
_FIRST_BETA, _LAST_BETA = 0.00085, 0.012  # Stable Diffusion's "scaled linear" schedule
_RHO = 7.0  # Karras et al. 2022
_SAME_TABLE, _SAME_TABLE_IN_HALF = 1e-4, 1e-3
"""relative differences that are rounding; up to v1.7 the webui has halved products after a change of model"""


@dataclass(frozen=True)
class LevelTable:
    """A model's noise levels [n] in float32, rising, and the model timestep that each stands for.

    Level i has timestep ``first + i * stride``: the whole table has first 0 and stride 1, the 50 levels
    of a consistency model 19 and 20. ``logs`` are their logarithms, rounded once.
    """

    levels: torch.Tensor
    logs: torch.Tensor
    first: int = 0
    stride: int = 1

    @property
    def largest(self) -> float:
        """The level of pure noise."""
        return float(self.levels[-1])

    def level_of(self, timestep: torch.Tensor) -> torch.Tensor:
        """Return the level of a timestep, linear in log sigma between the table's."""
        index = ((timestep.float() - self.first) / self.stride).clamp(0, len(self.logs) - 1)
        low, high = self.logs[index.floor().long()], self.logs[index.ceil().long()]
        share = index.frac()
        return ((1 - share) * low + share * high).exp()


def level_table(alphas_cumprod: torch.Tensor) -> LevelTable:
    """Return the table of a model: Fooocus's, unless the model was trained on another schedule.

    Args:
        alphas_cumprod: the model's cumulative products of 1 - beta [1000], as the webui holds them.
    """
    betas = torch.linspace(_FIRST_BETA**0.5, _LAST_BETA**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    own = torch.cumprod(1.0 - betas, dim=0)
    # First to the CPU: in one call MPS would convert before it copies, and it has no float64.
    given = alphas_cumprod.detach().cpu().double()
    same = _SAME_TABLE_IN_HALF if alphas_cumprod.dtype == torch.float16 else _SAME_TABLE
    is_usual = given.shape == own.shape and torch.allclose(given, own, rtol=same, atol=0)
    products = own if is_usual else given
    levels = ((1 - products) / products) ** 0.5
    return LevelTable(levels.float(), levels.log().float())


def consistency_table(table: LevelTable, count: int = 50) -> LevelTable:
    """Return the evenly spaced levels that latent consistency models are distilled to."""
    stride = len(table.levels) // count
    levels = table.levels[stride - 1 :: stride].clone()
    return LevelTable(levels, levels.log(), first=stride - 1, stride=stride)


def levels_of(schedule: Schedule, steps: int, table: LevelTable) -> torch.Tensor:
    """Return a schedule's levels, falling, with a 0 at the end: float32 [steps + 1].

    ("ddim_uniform" has a level or more too many for most numbers of steps; see `first_steps`.)
    """
    smallest, largest = float(table.levels[0]), table.largest
    if schedule == "karras":
        ramp = torch.linspace(0, 1, steps)
        low, high = smallest ** (1 / _RHO), largest ** (1 / _RHO)
        levels = (high + ramp * (low - high)) ** _RHO
    elif schedule == "exponential":
        levels = torch.linspace(math.log(largest), math.log(smallest), steps).exp()
    elif schedule == "simple":
        stride = len(table.levels) / steps
        levels = table.levels[[-(1 + int(step * stride)) for step in range(steps)]]
    elif schedule == "ddim_uniform":
        stride = max(len(table.levels) // steps, 1)
        levels = table.levels[1::stride].flip(0)
    else:
        levels = table.level_of(_timesteps(schedule, steps, table))
    return torch.cat((levels, levels.new_zeros(1)))


def _timesteps(schedule: Schedule, steps: int, table: LevelTable) -> torch.Tensor:
    """Return evenly spaced timesteps, from the first to the last; "sgm_uniform" leaves out the last."""
    start = float(table.first + (len(table.levels) - 1) * table.stride)
    if schedule == "sgm_uniform":
        return torch.linspace(start, float(table.first), steps + 1)[:-1]
    return torch.linspace(start, float(table.first), steps)


def first_steps(levels: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the levels of the first ``steps`` steps, of which the last ends without noise."""
    if len(levels) <= steps + 1:
        return levels
    return torch.cat((levels[:steps], levels.new_zeros(1)))


def begins_with_pure_noise(schedule: Schedule, steps: int) -> bool:
    """Whether a schedule's first level is the largest of the model's whole table."""
    stride = max(TIMESTEPS // max(steps, 1), 1)
    return schedule != "ddim_uniform" or (TIMESTEPS - 2) % stride == 0


def is_pure_noise(level: float, largest: float) -> bool:
    """Whether Fooocus takes a first level for pure noise, whose latent has no picture in it.

    ``largest`` is the model's largest level.
    """
    return math.isclose(largest, level, rel_tol=1e-5) or level > largest

"""Where on the model's noise schedule a model call stands."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LAST_TIMESTEP = 999


def progress(timestep: float) -> float:
    """Return Fooocus's progress of a model timestep: 0 at 999, pure noise, and 1 at 0."""
    return 1.0 - timestep / LAST_TIMESTEP


class Schedule:
    """A model's discrete noise schedule, read backwards: from sigma to the model timestep.

    ``sigma = sqrt((1 - a) / a)`` for each a of ``alphas_cumprod`` [n], which must not rise
    with the timestep. Its last entry may be (almost) zero, as after a rescaling to zero terminal
    signal-to-noise ratio; its sigma is then huge or infinite.

    Raises:
        ValueError: the table is not a falling one-dimensional sequence within 0..1.
    """

    def __init__(self, alphas_cumprod: Tensor) -> None:
        """Take the table from the model; any dtype and device."""
        table = alphas_cumprod.detach().float().cpu()
        if table.dim() != 1 or len(table) < 2:
            raise ValueError(f"expected alphas_cumprod [n], n >= 2, got {tuple(table.shape)}")
        sigmas = ((1 - table) / table) ** 0.5
        if not bool((sigmas[1:] >= sigmas[:-1]).all() and sigmas[0] >= 0):
            raise ValueError("alphas_cumprod must not rise with the timestep and stay within 0..1")
        self._log_sigmas: list[float] = sigmas.log().tolist()

    def timestep(self, sigma: float, *, quantized: bool = False) -> float:
        """Return the timestep 0..n-1 whose noise level is sigma, or the nearest end of the table.

        Interpolates linearly in log sigma as k-diffusion's ``sigma_to_t`` does; ``quantized`` takes
        the nearest entry instead (the lower of two equally near), as it does for samplers that call
        the model at whole timesteps. No finite sigma is near an infinite last entry. Not positive
        and NaN count as no noise at all.
        """
        if not sigma > 0:
            return 0.0
        log_sigma = math.log(sigma)
        above = bisect_right(self._log_sigmas, log_sigma)
        if above == 0:
            return 0.0
        below = above - 1
        if above == len(self._log_sigmas):
            return float(below)
        share = self._share(below, log_sigma)
        return float(below + (share > 0.5)) if quantized else below + share

    def _share(self, below: int, log_sigma: float) -> float:
        """Return how far log_sigma is from one entry to the next, 0..1."""
        low, high = self._log_sigmas[below : below + 2]
        if math.isinf(low):  # the table starts at a sigma of 0
            return 1.0
        return (log_sigma - low) / (high - low)

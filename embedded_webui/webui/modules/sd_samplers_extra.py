"""Doubles modules/sd_samplers_extra.py: Restart sampling (Xu et al. 2023)."""

from __future__ import annotations

import itertools

import k_diffusion.sampling
import torch
from k_diffusion.sampling import get_sigmas_karras, to_d
from tqdm.auto import tqdm

RESTART_TO, RESTART_FROM = 0.1, 2
"""noise levels: at the first the noise is brought back up to the second"""


def _plan(sigmas):
    """The schedule, (steps of a restart, how many), of a number of steps that includes restarts."""
    steps = len(sigmas) - 1
    if steps < 20:
        return sigmas, 0, 0
    width, times = (9, 1) if steps < 36 else (steps // 4, 2)
    ends = sigmas[-2].item(), sigmas[0].item()
    return get_sigmas_karras(steps - width * times, *ends, device=sigmas.device), width + 1, times


def _nearest(sigmas, level):
    return int(torch.argmin(abs(sigmas - level), dim=0))


def steps_with_restarts(sigmas):
    """(from, to) of each step."""
    sigmas, width, times = _plan(sigmas)
    low, high = _nearest(sigmas, RESTART_TO), _nearest(sigmas, RESTART_FROM)
    planned = []
    for i in range(len(sigmas) - 1):
        planned.append((sigmas[i], sigmas[i + 1]))
        if times and i + 1 == low and high < low:
            ends = sigmas[low].item(), sigmas[high].item()
            again = get_sigmas_karras(width, *ends, device=sigmas.device)[:-1]
            planned.extend([*itertools.pairwise(again)] * times)
    return planned


@torch.no_grad()
def restart_sampler(
    model, x, sigmas, extra_args=None, callback=None, disable=None, s_noise=1.0, restart_list=None
):
    """Heun's steps, with noise added where a step begins above the end of the last."""
    ones = x.new_ones([x.shape[0]])
    args = extra_args or {}
    reached = None
    for i, (old, new) in enumerate(tqdm(steps_with_restarts(sigmas), disable=disable)):
        if reached is not None and reached < old:
            noise = k_diffusion.sampling.torch.randn_like(x)
            x = x + noise * s_noise * (old**2 - reached**2) ** 0.5
        denoised = model(x, old * ones, **args)
        slope = to_d(x, old, denoised)
        if callback is not None:
            callback({"x": x, "i": i, "sigma": new, "sigma_hat": old, "denoised": denoised})
        if new > 0:
            ahead = x + slope * (new - old)
            slope = (slope + to_d(ahead, new, model(ahead, new * ones, **args))) / 2
        x = x + slope * (new - old)
        reached = new
    return x

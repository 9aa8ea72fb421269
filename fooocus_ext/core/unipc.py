"""UniPC (Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework"), on any noise schedule.

Webuis have this solver on timesteps of its own; Fooocus runs it on the noise levels that are chosen
(Fooocus 2.5.5, ``ldm_patched/unipc``): multistep, of third order, with the B(h) of the paper.

It works on variance-preserving latents, x / sqrt(1 + sigma^2), with alpha = 1 / sqrt(1 + sigma^2) the share
of the clean latent in them, s = sigma * alpha that of the noise, and lambda = log(alpha / s) as time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

Variant = Literal["bh1", "bh2"]
_ORDER = 3
_LAST_LEVEL = 0.001
"""In place of 0, which has no lambda."""


@dataclass(frozen=True)
class _Prediction:
    """A clean latent that the model predicted, and the lambda of its level."""

    clean: torch.Tensor
    time: torch.Tensor


def sample(
    model: Callable[..., torch.Tensor],
    x: torch.Tensor,
    sigmas: torch.Tensor,
    *,
    variant: Variant,
    extra_args: dict[str, Any],
    callback: Callable[[dict[str, Any]], None],
) -> torch.Tensor:
    """Sample from the noisy latents ``x`` [rows,C,h,w] at the first of the falling levels ``sigmas``.

    The model is called once for each level but the last; its arguments and the callback's are those of
    ``core.solvers``.
    """
    levels = sigmas.clone()
    if levels[-1] == 0:
        levels[-1] = _LAST_LEVEL
    last = len(levels) - 1
    order = min(_ORDER, last - 1)
    ones = x.new_ones([x.shape[0]])

    def predict(latent: torch.Tensor, index: int) -> _Prediction:
        level = levels[index]
        noisy = latent * (level**2 + 1.0) ** 0.5
        clean = model(noisy, level * ones, **extra_args)
        told = {"x": noisy, "i": index, "sigma": level, "sigma_hat": level, "denoised": clean}
        callback(told)
        return _Prediction(clean, _time(level))

    x = x * _alpha(levels[0])
    known = [predict(x, 0)]
    for index in range(1, last + 1):
        reach = min(order, index, last + 1 - index)
        step = _Step(x, levels[index - 1], levels[index], known[-reach:], variant)
        x = step.predicted()
        if index < last:
            known.append(predict(x, index))
            x = step.corrected(known[-1].clean)
    return x / _alpha(levels[-1])


class _Step:
    """One step, from a level to the next, by the predictions that are known."""

    def __init__(
        self,
        x: torch.Tensor,
        level: torch.Tensor,
        target: torch.Tensor,
        known: Sequence[_Prediction],
        variant: Variant,
    ) -> None:
        self._newest = known[-1]
        h = _time(target) - self._newest.time
        self._h = -h
        growth = torch.expm1(self._h)
        self._weight = self._h if variant == "bh1" else growth
        alpha = _alpha(target)
        self._scale = alpha * self._weight
        ratio = _share_of_noise(target) / _share_of_noise(level)
        self._straight = ratio * x - alpha * growth * self._newest.clean
        older = [(one.time - self._newest.time) / h for one in reversed(known[:-1])]
        self._places = [float(place) for place in older] + [1.0]
        self._slopes = [
            (one.clean - self._newest.clean) / place
            for one, place in zip(reversed(known[:-1]), older, strict=True)
        ]

    def predicted(self) -> torch.Tensor:
        """Return the latent at the target by what is known."""
        if not self._slopes:
            return self._straight
        return self._straight - self._scale * self._sum(self._solved(len(self._slopes)))

    def corrected(self, clean: torch.Tensor) -> torch.Tensor:
        """Return it by the prediction there, too."""
        weights = self._solved(len(self._places))
        change = weights[-1].to(clean) * (clean - self._newest.clean)
        if self._slopes:
            change = self._sum(weights[:-1]) + change
        return self._straight - self._scale * change

    def _sum(self, weights: torch.Tensor) -> torch.Tensor:
        # not as a product of matrices: under autocast that is one in half precision
        stacked = torch.stack(self._slopes)
        return (weights.to(stacked).view(-1, 1, 1, 1, 1) * stacked).sum(0)

    def _solved(self, count: int) -> torch.Tensor:
        """Return the weights of ``count`` slopes that match as many derivatives; of one, the paper's half."""
        if count == 1:
            return torch.tensor([0.5])
        places = torch.tensor(self._places[:count], dtype=self._h.dtype)
        matrix = torch.stack([places**power for power in range(count)])
        h, weight = self._h.cpu(), self._weight.cpu()
        phi = torch.expm1(h) / h - 1
        moments = []
        for power in range(1, count + 1):
            moments.append(phi * math.factorial(power) / weight)
            phi = phi / h - 1 / math.factorial(power + 1)
        weights: torch.Tensor = torch.linalg.solve(matrix, torch.stack(moments))
        return weights


def _log_alpha(level: torch.Tensor) -> torch.Tensor:
    return 0.5 * torch.log(1 / (level * level + 1))


def _alpha(level: torch.Tensor) -> torch.Tensor:
    return torch.exp(_log_alpha(level))


def _share_of_noise(level: torch.Tensor) -> torch.Tensor:
    """Return s. Near 0 its rounding, which is Fooocus's, is coarse."""
    return torch.sqrt(1.0 - torch.exp(2.0 * _log_alpha(level)))


def _time(level: torch.Tensor) -> torch.Tensor:
    """Return lambda, in the same rounding."""
    return _log_alpha(level) - 0.5 * torch.log(1.0 - torch.exp(2.0 * _log_alpha(level)))

"""DPM-Solver (Lu et al. 2022, "DPM-Solver"): steps of order 1 to 3 in t = -log sigma.

"Fast" spends a given number of model calls, "adaptive" chooses its steps by an error estimate.
"""

from __future__ import annotations

import math

import torch

from k_diffusion.noise import default_noise_sampler
from k_diffusion.progress import no_grad
from k_diffusion.steps import get_ancestral_step, sigma_at, time_of

ORDER = 3


class Solver:
    """One sampling: counts steps for the callback and adds the ancestral steps' noise."""

    def __init__(self, model, x, extra_args, callback, eta, s_noise, noise_sampler):
        self.model = model
        self.ones = x.new_ones([x.shape[0]])
        self.extra_args = extra_args or {}
        self.callback = callback
        self.eta = eta
        self.s_noise = s_noise
        self.noise_sampler = noise_sampler or default_noise_sampler(x)

    def eps(self, x, t):
        """The predicted noise at t."""
        denoised = self.model(x, sigma_at(t) * self.ones, **self.extra_args)
        return (x - denoised) / sigma_at(t)

    def tell(self, x, i, t, denoised):
        """Tell the callback of a step."""
        if self.callback is not None:
            levels = {"sigma": sigma_at(t), "sigma_hat": sigma_at(t)}
            self.callback({"x": x, "i": i, "t": t, "t_up": t, "denoised": denoised, **levels})

    def target(self, t, t_next, t_end):
        """(where to step to, how much noise brings it to t_next)."""
        if not self.eta:
            return t_next, 0.0
        sigma_down, _ = get_ancestral_step(sigma_at(t), sigma_at(t_next), self.eta)
        down = torch.minimum(t_end, time_of(sigma_down))
        return down, (sigma_at(t_next) ** 2 - sigma_at(down) ** 2) ** 0.5

    def noise(self, t, t_next):
        """Noise of unit variance for a step."""
        return self.s_noise * self.noise_sampler(sigma_at(t), sigma_at(t_next))

    def step(self, order, x, t, t_next, eps, r1=None):
        """One step from the noise `eps` at t; (x, the noise at the step's first inner point)."""
        h = t_next - t
        straight = x - sigma_at(t_next) * h.expm1() * eps
        if order == 1:
            return straight, None
        r1 = r1 or (1 / 2 if order == 2 else 1 / 3)
        inner = t + r1 * h
        eps_1 = self.eps(x - sigma_at(inner) * (r1 * h).expm1() * eps, inner)
        if order == 2:
            return self.second(straight, eps, eps_1, t_next, h, r1), eps_1
        return self.third(x, straight, eps, eps_1, t, t_next), eps_1

    @staticmethod
    def second(straight, eps, eps_1, t_next, h, r1):
        """The correction of second order."""
        return straight - sigma_at(t_next) / (2 * r1) * h.expm1() * (eps_1 - eps)

    def third(self, x, straight, eps, eps_1, t, t_next):
        """The correction of third order, at thirds of the step."""
        r1, r2 = 1 / 3, 2 / 3
        h = t_next - t
        inner = t + r2 * h
        growth = (r2 * h).expm1()
        ahead = (
            x
            - sigma_at(inner) * growth * eps
            - sigma_at(inner) * (r2 / r1) * (growth / (r2 * h) - 1) * (eps_1 - eps)
        )
        eps_2 = self.eps(ahead, inner)
        return straight - sigma_at(t_next) / r2 * (h.expm1() / h - 1) * (eps_2 - eps)


def _check(sigma_min, sigma_max) -> None:
    if sigma_min <= 0 or sigma_max <= 0:
        raise ValueError("sigma_min and sigma_max must not be 0")


@no_grad
def sample_dpm_fast(
    model,
    x,
    sigma_min,
    sigma_max,
    n,
    extra_args=None,
    callback=None,
    disable=None,
    eta=0.0,
    s_noise=1.0,
    noise_sampler=None,
):
    """Steps of third order, and one or two lower ones, for `n` model calls in all."""
    _check(sigma_min, sigma_max)
    solver = Solver(model, x, extra_args, callback, eta, s_noise, noise_sampler)
    start, end = time_of(torch.as_tensor(sigma_max)), time_of(torch.as_tensor(sigma_min))
    whole = n // ORDER
    orders = [ORDER] * (whole - 1) + [2, 1] if n % ORDER == 0 else [ORDER] * whole + [n % ORDER]
    times = torch.linspace(float(start), float(end), whole + 2, device=x.device)
    for i, order in enumerate(orders):
        t, t_next = times[i], times[i + 1]
        down, missing = solver.target(t, t_next, end)
        eps = solver.eps(x, t)
        solver.tell(x, i, t, x - sigma_at(t) * eps)
        x, _ = solver.step(order, x, t, down, eps)
        x = x + missing * solver.noise(t, t_next)
    return x


class StepSizes:
    """Chooses the next step's width from the error of the last (an integrating controller)."""

    smallest_factor = 0.81
    eps = 1e-8

    def __init__(self, h, order):
        self.h = h
        self.order = order

    def accept(self, error):
        """Whether a step of this error is good enough; adapts the width."""
        factor = 1 + math.atan((1 / (float(error) + self.eps)) ** (1 / self.order) - 1)
        self.h *= factor
        return factor >= self.smallest_factor


@no_grad
def sample_dpm_adaptive(
    model,
    x,
    sigma_min,
    sigma_max,
    extra_args=None,
    callback=None,
    disable=None,
    rtol=0.05,
    atol=0.0078,
    h_init=0.05,
    eta=0.0,
    s_noise=1.0,
    noise_sampler=None,
):
    """Steps of third order as wide as the difference to second order allows."""
    _check(sigma_min, sigma_max)
    solver = Solver(model, x, extra_args, callback, eta, s_noise, noise_sampler)
    t, end = time_of(torch.as_tensor(sigma_max)), time_of(torch.as_tensor(sigma_min))
    widths = StepSizes(h_init, 1.5 if eta else ORDER)
    before, count = x, 0
    while t < end - 1e-5:
        t_next = torch.minimum(end, t + widths.h)
        down, missing = solver.target(t, t_next, end)
        eps = solver.eps(x, t)
        denoised = x - sigma_at(t) * eps
        low, eps_1 = solver.step(2, x, t, down, eps, r1=1 / 3)
        straight = x - sigma_at(down) * (down - t).expm1() * eps
        high = solver.third(x, straight, eps, eps_1, t, down)
        scale = torch.maximum(torch.tensor(atol), rtol * torch.maximum(low.abs(), before.abs()))
        error = torch.linalg.norm((low - high) / scale) / x.numel() ** 0.5
        if widths.accept(error):
            before, x = low, high + missing * solver.noise(t, t_next)
            t = t_next
        solver.tell(x, count, t, denoised)
        count += 1
    return x

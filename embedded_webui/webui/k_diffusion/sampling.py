"""Doubles k_diffusion/sampling.py: noise schedules and samplers; some come from modules of their own.

 Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models": schedule,
Euler, Heun. Lu et al. 2022, "DPM-Solver++": 2M, SDE, 2M SDE, with exponential integrators in t =
-log sigma. A model is called as model(x, sigma [B], **extra_args) and returns the prediction of x0.
`torch` is a module-level name here because the webui replaces it to draw the noise of each image
from its own generator.
"""

from __future__ import annotations

import math

import torch

from k_diffusion.dpm_solver import sample_dpm_adaptive, sample_dpm_fast  # noqa: F401
from k_diffusion.multistep import sample_dpmpp_3m_sde, sample_lms  # noqa: F401
from k_diffusion.noise import (  # noqa: F401
    BatchedBrownianTree,
    BrownianTreeNoiseSampler,
    churn,
    default_noise_sampler,
)
from k_diffusion.progress import no_grad, trange  # noqa: F401
from k_diffusion.second_order import (  # noqa: F401
    sample_dpm_2,
    sample_dpm_2_ancestral,
    sample_dpmpp_2s_ancestral,
)
from k_diffusion.steps import Steps, get_ancestral_step, sigma_at, time_of, to_d


def append_zero(x):
    """`x` with a 0 at its end."""
    return torch.cat([x, x.new_zeros([1])])


def get_sigmas_karras(n, sigma_min, sigma_max, rho=7.0, device="cpu"):
    """n levels equally spaced in sigma^(1/rho), then 0 (Karras et al. 2022, equation 5)."""
    ramp = torch.linspace(0, 1, n)
    start, end = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return append_zero((start + ramp * (end - start)) ** rho).to(device)


def get_sigmas_exponential(n, sigma_min, sigma_max, device="cpu"):
    """n levels equally spaced in log sigma, then 0."""
    return append_zero(
        torch.linspace(math.log(sigma_max), math.log(sigma_min), n, device=device).exp()
    )


def get_sigmas_polyexponential(n, sigma_min, sigma_max, rho=1.0, device="cpu"):
    """n levels, log sigma a power of the step, then 0."""
    ramp = torch.linspace(1, 0, n, device=device) ** rho
    low, high = math.log(sigma_min), math.log(sigma_max)
    return append_zero((ramp * (high - low) + low).exp())


@no_grad
def sample_euler(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    s_churn=0.0,
    s_tmin=0.0,
    s_tmax=float("inf"),
    s_noise=1.0,
):
    """Euler steps with optional churn."""
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        x, sigma_hat = churn(x, i, sigmas, s_churn, s_tmin, s_tmax, s_noise)
        denoised = steps.denoise(x, sigma_hat)
        steps.tell(x, i, denoised, sigma_hat)
        x = x + to_d(x, sigma_hat, denoised) * (sigmas[i + 1] - sigma_hat)
    return x


@no_grad
def sample_euler_ancestral(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    eta=1.0,
    s_noise=1.0,
    noise_sampler=None,
):
    """Euler steps that go too far and add noise back."""
    noise_sampler = noise_sampler or default_noise_sampler(x)
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        steps.tell(x, i, denoised)
        x = x + to_d(x, sigmas[i], denoised) * (sigma_down - sigmas[i])
        if sigmas[i + 1] > 0:
            x = x + noise_sampler(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x


@no_grad
def sample_heun(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    s_churn=0.0,
    s_tmin=0.0,
    s_tmax=float("inf"),
    s_noise=1.0,
):
    """Heun's second-order steps; the last one, to 0, is Euler's."""
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        x, sigma_hat = churn(x, i, sigmas, s_churn, s_tmin, s_tmax, s_noise)
        denoised = steps.denoise(x, sigma_hat)
        slope = to_d(x, sigma_hat, denoised)
        steps.tell(x, i, denoised, sigma_hat)
        dt = sigmas[i + 1] - sigma_hat
        if sigmas[i + 1] > 0:
            ahead = x + slope * dt
            slope = (slope + to_d(ahead, sigmas[i + 1], steps.denoise(ahead, sigmas[i + 1]))) / 2
        x = x + slope * dt
    return x


@no_grad
def sample_dpmpp_2m(model, x, sigmas, extra_args=None, callback=None, disable=None):
    """DPM-Solver++(2M): extrapolates x0 from the last two predictions."""
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    previous = None
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        steps.tell(x, i, denoised)
        t, t_next = time_of(sigmas[i]), time_of(sigmas[i + 1])
        h = t_next - t
        target = denoised
        if previous is not None and sigmas[i + 1] > 0:
            r = (t - time_of(sigmas[i - 1])) / h
            target = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * previous
        x = (sigma_at(t_next) / sigma_at(t)) * x - (-h).expm1() * target
        previous = denoised
    return x


@no_grad
def sample_dpmpp_2m_sde(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    eta=1.0,
    s_noise=1.0,
    noise_sampler=None,
    solver_type="midpoint",
):
    """SDE-DPM-Solver++(2M)."""
    if solver_type not in ("heun", "midpoint"):
        raise ValueError("solver_type must be 'heun' or 'midpoint'")
    noise_sampler = noise_sampler or BrownianTreeNoiseSampler(
        x, sigmas[sigmas > 0].min(), sigmas.max()
    )
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    previous = h = h_last = None
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        steps.tell(x, i, denoised)
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            h = time_of(sigmas[i + 1]) - time_of(sigmas[i])
            eta_h = eta * h
            decay = (-h - eta_h).expm1().neg()
            x = sigmas[i + 1] / sigmas[i] * (-eta_h).exp() * x + decay * denoised
            if previous is not None:
                r = h_last / h
                weight = decay / (-h - eta_h) + 1 if solver_type == "heun" else 0.5 * decay
                x = x + weight * (1 / r) * (denoised - previous)
            if eta:
                noise = noise_sampler(sigmas[i], sigmas[i + 1])
                x = x + noise * sigmas[i + 1] * (-2 * eta_h).expm1().neg().sqrt() * s_noise
        previous, h_last = denoised, h
    return x


@no_grad
def sample_dpmpp_sde(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    eta=1.0,
    s_noise=1.0,
    noise_sampler=None,
    r=1 / 2,
):
    """SDE-DPM-Solver++ of second order, single step: two model calls a step but the last."""
    noise_sampler = noise_sampler or BrownianTreeNoiseSampler(
        x, sigmas[sigmas > 0].min(), sigmas.max()
    )
    steps = Steps(model, x, sigmas, extra_args, callback, disable)

    def noisy_step(x, t, t_to, target):
        sigma_down, sigma_up = get_ancestral_step(sigma_at(t), sigma_at(t_to), eta)
        t_down = time_of(sigma_down)
        x = (sigma_at(t_down) / sigma_at(t)) * x - (t - t_down).expm1() * target
        return x + noise_sampler(sigma_at(t), sigma_at(t_to)) * s_noise * sigma_up

    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        steps.tell(x, i, denoised)
        if sigmas[i + 1] == 0:
            x = x + to_d(x, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i])
            continue
        t, t_next = time_of(sigmas[i]), time_of(sigmas[i + 1])
        t_middle = t + (t_next - t) * r
        share = 1 / (2 * r)
        denoised_middle = steps.denoise(noisy_step(x, t, t_middle, denoised), sigma_at(t_middle))
        x = noisy_step(x, t, t_next, (1 - share) * denoised + share * denoised_middle)
    return x

"""Samplers that remember several predictions: Adams-Bashforth ("LMS") and SDE-DPM-Solver++(3M)."""

from __future__ import annotations

import torch

from k_diffusion.noise import BrownianTreeNoiseSampler
from k_diffusion.progress import no_grad
from k_diffusion.steps import Steps, time_of, to_d


def linear_multistep_coeff(order, t, i, j):
    """Integral from t[i] to t[i+1] of the Lagrange polynomial that is 1 at t[i-j]."""
    if order - 1 > i:
        raise ValueError(f"Order {order} too high for step {i}")
    from scipy import integrate  # slow to import, and only for this sampler

    others = [k for k in range(order) if k != j]

    def polynomial(tau):
        value = 1.0
        for k in others:
            value *= (tau - t[i - k]) / (t[i - j] - t[i - k])
        return value

    return integrate.quad(polynomial, t[i], t[i + 1], epsrel=1e-4)[0]


@no_grad
def sample_lms(model, x, sigmas, extra_args=None, callback=None, disable=None, order=4):
    """Linear multistep of up to fourth order on the slope."""
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    levels = sigmas.detach().cpu().numpy()
    slopes = []
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        slopes = [to_d(x, sigmas[i], denoised), *slopes[: order - 1]]
        steps.tell(x, i, denoised)
        weights = [linear_multistep_coeff(len(slopes), levels, i, j) for j in range(len(slopes))]
        x = x + sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
    return x


@no_grad
def sample_dpmpp_3m_sde(
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
    """SDE-DPM-Solver++ on the last three predictions."""
    noise_sampler = noise_sampler or BrownianTreeNoiseSampler(
        x, sigmas[sigmas > 0].min(), sigmas.max()
    )
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    past, spans = [], []  # predictions and step widths, newest first
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        steps.tell(x, i, denoised)
        if sigmas[i + 1] == 0:
            return denoised
        h = time_of(sigmas[i + 1]) - time_of(sigmas[i])
        h_eta = h * (eta + 1)
        x = torch.exp(-h_eta) * x + (-h_eta).expm1().neg() * denoised
        for correction in _corrections(denoised, past, [span / h for span in spans], h_eta):
            x = x + correction
        if eta:
            noise = noise_sampler(sigmas[i], sigmas[i + 1])
            x = x + noise * sigmas[i + 1] * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        past, spans = [denoised, *past[:1]], [h, *spans[:1]]
    return x


def _corrections(denoised, past, ratios, h_eta):
    """The terms of second and third order, from divided differences of the predictions."""
    if not past:
        return ()
    phi_2 = h_eta.neg().expm1() / h_eta + 1
    first = (denoised - past[0]) / ratios[0]
    if len(past) == 1:
        return (phi_2 * first,)
    older = (past[0] - past[1]) / ratios[1]
    width = ratios[0] + ratios[1]
    slope, curvature = first + (first - older) * ratios[0] / width, (first - older) / width
    return phi_2 * slope, -(phi_2 / h_eta - 0.5) * curvature

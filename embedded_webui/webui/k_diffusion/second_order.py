"""Two model calls a step: DPM-Solver-2 and DPM-Solver++(2S) (Lu et al. 2022), plain and ancestral."""

from __future__ import annotations

from k_diffusion.noise import churn, default_noise_sampler
from k_diffusion.progress import no_grad
from k_diffusion.steps import Steps, get_ancestral_step, sigma_at, time_of, to_d


def _midpoint_step(steps, x, denoised, sigma, sigma_to):
    """From sigma to sigma_to with the slope at their geometric mean; straight where that is 0."""
    slope = to_d(x, sigma, denoised)
    if sigma_to == 0:
        return x + slope * (sigma_to - sigma)
    middle = sigma.log().lerp(sigma_to.log(), 0.5).exp()
    ahead = x + slope * (middle - sigma)
    slope = to_d(ahead, middle, steps.denoise(ahead, middle))
    return x + slope * (sigma_to - sigma)


@no_grad
def sample_dpm_2(
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
    """DPM-Solver-2 with optional churn."""
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        x, sigma_hat = churn(x, i, sigmas, s_churn, s_tmin, s_tmax, s_noise)
        denoised = steps.denoise(x, sigma_hat)
        steps.tell(x, i, denoised, sigma_hat)
        x = _midpoint_step(steps, x, denoised, sigma_hat, sigmas[i + 1])
    return x


@no_grad
def sample_dpm_2_ancestral(
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
    """DPM-Solver-2 that goes too far and adds noise back."""
    noise_sampler = noise_sampler or default_noise_sampler(x)
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        steps.tell(x, i, denoised)
        x = _midpoint_step(steps, x, denoised, sigmas[i], sigma_down)
        if sigma_down != 0:
            x = x + noise_sampler(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x


@no_grad
def sample_dpmpp_2s_ancestral(
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
    """DPM-Solver++(2S) that goes too far and adds noise back."""
    noise_sampler = noise_sampler or default_noise_sampler(x)
    steps = Steps(model, x, sigmas, extra_args, callback, disable)
    for i in steps.indexes:
        denoised = steps.denoise(x, sigmas[i])
        sigma_down, sigma_up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        steps.tell(x, i, denoised)
        if sigma_down == 0:
            x = x + to_d(x, sigmas[i], denoised) * (sigma_down - sigmas[i])
        else:
            t, t_next = time_of(sigmas[i]), time_of(sigma_down)
            h = t_next - t
            middle = sigma_at(t + h / 2)
            ahead = (middle / sigma_at(t)) * x - (-h / 2).expm1() * denoised
            target = steps.denoise(ahead, middle)
            x = (sigma_at(t_next) / sigma_at(t)) * x - (-h).expm1() * target
        if sigmas[i + 1] > 0:
            x = x + noise_sampler(sigmas[i], sigmas[i + 1]) * s_noise * sigma_up
    return x

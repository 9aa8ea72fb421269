"""Settings that change a model's noise schedule; modules/sd_models.py re-exports this, as in the host."""

from __future__ import annotations

from modules import shared


def rescale_zero_terminal_snr_abar(alphas_cumprod):
    """Shift and scale sqrt(a) so that the last timestep holds no signal (Lin et al. 2023)."""
    root = alphas_cumprod.sqrt()
    first, last = root[0].clone(), root[-1].clone()
    rescaled = ((root - last) * first / (first - last)) ** 2
    rescaled[-1] = 4.8973451890853435e-08
    return rescaled


def apply_alpha_schedule_override(sd_model, p=None):
    """Apply the options that change the noise schedule, from the original one."""
    if not hasattr(sd_model, "alphas_cumprod_original"):
        return
    alphas = sd_model.alphas_cumprod_original.to(shared.device)
    noted = {}
    if shared.opts.use_downcasted_alpha_bar:
        noted["Downcast alphas_cumprod"] = True
        alphas = alphas.half()
    if shared.opts.sd_noise_schedule == "Zero Terminal SNR":
        noted["Noise Schedule"] = shared.opts.sd_noise_schedule
        alphas = rescale_zero_terminal_snr_abar(alphas)
    sd_model.alphas_cumprod = alphas
    if p is not None:
        p.extra_generation_params.update(noted)

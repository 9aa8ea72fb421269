"""Doubles modules/sd_samplers_lcm.py.

Latent consistency sampling (Luo et al. 2023) on 50 of the 1000 timesteps.
"""

from __future__ import annotations

import torch
from k_diffusion import sampling, utils
from k_diffusion.external import DiscreteEpsDDPMDenoiser
from k_diffusion.progress import steps_of

from modules import sd_samplers_cfg_denoiser, sd_samplers_common, sd_samplers_kdiffusion, shared

TIMESTEPS, LCM_TIMESTEPS = 1000, 50
SIGMA_DATA = 0.5


class LCMCompVisDenoiser(DiscreteEpsDDPMDenoiser):
    """x0 blended with the input by the consistency model's boundary conditions."""

    def __init__(self, model):
        self_skip = TIMESTEPS // LCM_TIMESTEPS
        kept = model.alphas_cumprod[self_skip - 1 :: self_skip].to(torch.float32)
        super().__init__(model, kept, quantize=None)
        self.skip_steps = self_skip

    def get_sigmas(self, n=None):
        """n levels equally spaced over the 50, then 0."""
        if n is None:
            return sampling.append_zero(self.sigmas.flip(0))
        start, end = self.sigma_to_t(self.sigma_max), self.sigma_to_t(self.sigma_min)
        return sampling.append_zero(
            self.t_to_sigma(torch.linspace(start, end, n, device=shared.sd_model.device))
        )

    def sigma_to_t(self, sigma, quantize=None):
        """The nearest of the 50 timesteps 19, 39, ..., 999."""
        distances = sigma.log() - self.log_sigmas[:, None]
        return distances.abs().argmin(dim=0).view(sigma.shape) * self.skip_steps + (
            self.skip_steps - 1
        )

    def t_to_sigma(self, timestep):
        index = ((timestep - (self.skip_steps - 1)) / self.skip_steps).float()
        return super().t_to_sigma(index.clamp(min=0, max=len(self.sigmas) - 1))

    def get_eps(self, *args, **kwargs):
        return self.inner_model.apply_model(*args, **kwargs)

    def get_scaled_out(self, sigma, output, input):
        """c_out(t) * output + c_skip(t) * input."""
        t = utils.append_dims(self.sigma_to_t(sigma), output.ndim) * 10.0
        c_skip = SIGMA_DATA**2 / (t**2 + SIGMA_DATA**2)
        c_out = t / (t**2 + SIGMA_DATA**2) ** 0.5
        return c_out * output + c_skip * input

    def forward(self, input, sigma, **kwargs):
        c_out, c_in = (utils.append_dims(c, input.ndim) for c in self.get_scalings(sigma))
        eps = self.get_eps(input * c_in, self.sigma_to_t(sigma), **kwargs)
        return self.get_scaled_out(sigma, input + eps * c_out, input)


def sample_lcm(model, x, sigmas, extra_args=None, callback=None, disable=None, noise_sampler=None):
    """Predict x0, noise it to the next level, repeat."""
    noise_sampler = noise_sampler or sampling.default_noise_sampler(x)
    ones = x.new_ones([x.shape[0]])
    for i in steps_of(len(sigmas) - 1, disable):
        denoised = model(x, sigmas[i] * ones, **(extra_args or {}))
        if callback is not None:
            callback(
                {"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised}
            )
        x = denoised
        if sigmas[i + 1] > 0:
            x = x + sigmas[i + 1] * noise_sampler(sigmas[i], sigmas[i + 1])
    return x


class CFGDenoiserLCM(sd_samplers_cfg_denoiser.CFGDenoiser):
    """Guidance around a consistency model."""

    @property
    def inner_model(self):
        if self.model_wrap is None:
            self.model_wrap = LCMCompVisDenoiser(shared.sd_model)
        return self.model_wrap


class LCMSampler(sd_samplers_kdiffusion.KDiffusionSampler):
    """Runs sample_lcm."""

    def __init__(self, funcname, sd_model, options=None):
        super().__init__(funcname, sd_model, options)
        self.model_wrap_cfg = CFGDenoiserLCM(self)
        self.model_wrap = self.model_wrap_cfg.inner_model


samplers_lcm = [("LCM", sample_lcm, ["k_lcm"], {})]
samplers_data_lcm = [
    sd_samplers_common.SamplerData(
        label, lambda model, funcname=funcname: LCMSampler(funcname, model), aliases, options
    )
    for label, funcname, aliases, options in samplers_lcm
]

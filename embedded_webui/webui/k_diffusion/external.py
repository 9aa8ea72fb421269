"""Doubles k_diffusion/external.py: denoisers D(x, sigma) -> x0 around models that predict eps or v.

The maths is the preconditioning of Karras et al. 2022 (table 1, column VP): a model trained at timestep t on
sqrt(a) x0 + sqrt(1-a) eps sees x / sqrt(sigma^2 + 1) with sigma = sqrt((1-a)/a).
"""

from __future__ import annotations

import torch

from k_diffusion import sampling, utils


class DiscreteSchedule(torch.nn.Module):
    """Translates between noise levels and fractional timesteps, linear in log sigma."""

    def __init__(self, sigmas, quantize):
        super().__init__()
        self.register_buffer("sigmas", sigmas)
        self.register_buffer("log_sigmas", sigmas.log())
        self.quantize = quantize

    @property
    def sigma_min(self):
        return self.sigmas[0]

    @property
    def sigma_max(self):
        return self.sigmas[-1]

    def get_sigmas(self, n=None):
        """n levels equally spaced in timestep from the largest to the smallest, then 0."""
        if n is None:
            return sampling.append_zero(self.sigmas.flip(0))
        last = len(self.sigmas) - 1
        return sampling.append_zero(
            self.t_to_sigma(torch.linspace(last, 0, n, device=self.sigmas.device))
        )

    def sigma_to_t(self, sigma, quantize=None):
        """Timestep of a noise level, in the shape of `sigma`; a whole one if quantized."""
        quantize = self.quantize if quantize is None else quantize
        log_sigma = sigma.log()
        distances = log_sigma - self.log_sigmas[:, None]
        if quantize:
            return distances.abs().argmin(dim=0).view(sigma.shape)
        below = distances.ge(0).cumsum(dim=0).argmax(dim=0).clamp(max=len(self.log_sigmas) - 2)
        low, high = self.log_sigmas[below], self.log_sigmas[below + 1]
        share = ((low - log_sigma) / (low - high)).clamp(0, 1)
        return ((1 - share) * below + share * (below + 1)).view(sigma.shape)

    def t_to_sigma(self, t):
        """Noise level of a timestep."""
        t = t.float()
        share = t.frac()
        log_sigma = (1 - share) * self.log_sigmas[t.floor().long()] + share * self.log_sigmas[
            t.ceil().long()
        ]
        return log_sigma.exp()


class DiscreteEpsDDPMDenoiser(DiscreteSchedule):
    """x0 = x - sigma * eps(x / sqrt(sigma^2 + 1), t)."""

    def __init__(self, model, alphas_cumprod, quantize):
        super().__init__(((1 - alphas_cumprod) / alphas_cumprod) ** 0.5, quantize)
        self.inner_model = model
        self.sigma_data = 1.0

    def get_scalings(self, sigma):
        """(c_out, c_in)."""
        return -sigma, 1 / (sigma**2 + self.sigma_data**2) ** 0.5

    def get_eps(self, *args, **kwargs):
        """The model's prediction."""
        return self.inner_model(*args, **kwargs)

    def forward(self, input, sigma, **kwargs):
        c_out, c_in = (utils.append_dims(c, input.ndim) for c in self.get_scalings(sigma))
        return input + self.get_eps(input * c_in, self.sigma_to_t(sigma), **kwargs) * c_out


class CompVisDenoiser(DiscreteEpsDDPMDenoiser):
    """For models with `apply_model` and `alphas_cumprod`."""

    def __init__(self, model, quantize=False, device="cpu"):
        super().__init__(model, model.alphas_cumprod, quantize=quantize)

    def get_eps(self, *args, **kwargs):
        return self.inner_model.apply_model(*args, **kwargs)


class DiscreteVDDPMDenoiser(DiscreteSchedule):
    """x0 = c_skip * x + c_out * v(c_in * x, t) (Salimans and Ho 2022)."""

    def __init__(self, model, alphas_cumprod, quantize):
        super().__init__(((1 - alphas_cumprod) / alphas_cumprod) ** 0.5, quantize)
        self.inner_model = model
        self.sigma_data = 1.0

    def get_scalings(self, sigma):
        """(c_skip, c_out, c_in)."""
        variance = sigma**2 + self.sigma_data**2
        return (
            self.sigma_data**2 / variance,
            -sigma * self.sigma_data / variance**0.5,
            1 / variance**0.5,
        )

    def get_v(self, *args, **kwargs):
        """The model's prediction."""
        return self.inner_model(*args, **kwargs)

    def forward(self, input, sigma, **kwargs):
        c_skip, c_out, c_in = (utils.append_dims(c, input.ndim) for c in self.get_scalings(sigma))
        return self.get_v(input * c_in, self.sigma_to_t(sigma), **kwargs) * c_out + input * c_skip


class CompVisVDenoiser(DiscreteVDDPMDenoiser):
    """For models with `apply_model` and `alphas_cumprod`."""

    def __init__(self, model, quantize=False, device="cpu"):
        super().__init__(model, model.alphas_cumprod, quantize=quantize)

    def get_v(self, x, t, cond, **kwargs):
        return self.inner_model.apply_model(x, t, cond)

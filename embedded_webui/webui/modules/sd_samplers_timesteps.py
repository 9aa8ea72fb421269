"""Doubles modules/sd_samplers_timesteps.py.

Samplers in the model's own timesteps, where the model predicts eps.
"""

from __future__ import annotations

import inspect

import torch

from modules import devices, sd_samplers_common, sd_samplers_timesteps_impl, shared
from modules.sd_samplers_cfg_denoiser import CFGDenoiser
from modules.sd_samplers_kdiffusion import add_extra_noise, discards_next_to_last_sigma

samplers_timesteps = [("DDIM", sd_samplers_timesteps_impl.ddim, ["ddim"], {})]
samplers_data_timesteps = [
    sd_samplers_common.SamplerData(
        label, lambda model, funcname=funcname: CompVisSampler(funcname, model), aliases, options
    )
    for label, funcname, aliases, options in samplers_timesteps
]


class CompVisTimestepsDenoiser(torch.nn.Module):
    """eps of an eps-predicting model."""

    def __init__(self, model, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.inner_model = model

    def forward(self, input, timesteps, **kwargs):
        return self.inner_model.apply_model(input, timesteps, **kwargs)


class CompVisTimestepsVDenoiser(torch.nn.Module):
    """eps of a v-predicting model: sqrt(a) v + sqrt(1-a) x."""

    def __init__(self, model, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.inner_model = model

    def predict_eps_from_z_and_v(self, x_t, t, v):
        """eps [B,4,h,w] from the latent, its timestep and v."""
        a = self.inner_model.alphas_cumprod[t.to(torch.int), None, None, None]
        return torch.sqrt(a) * v + torch.sqrt(1 - a) * x_t

    def forward(self, input, timesteps, **kwargs):
        v = self.inner_model.apply_model(input, timesteps, **kwargs)
        return self.predict_eps_from_z_and_v(input, timesteps, v)


class CFGDenoiserTimesteps(CFGDenoiser):
    """Guidance in eps space; `sigma` is the timestep."""

    def __init__(self, sampler):
        super().__init__(sampler)
        self.alphas = shared.sd_model.alphas_cumprod
        self.mask_before_denoising = True

    def get_pred_x0(self, x_in, x_out, sigma):
        a = self.alphas[sigma.to(dtype=int)][:, None, None, None]
        return (x_in - (1 - a).sqrt() * x_out) / a.sqrt()

    @property
    def inner_model(self):
        if self.model_wrap is None:
            v_prediction = shared.sd_model.parameterization == "v"
            wrapper = CompVisTimestepsVDenoiser if v_prediction else CompVisTimestepsDenoiser
            self.model_wrap = wrapper(shared.sd_model)
        return self.model_wrap


class CompVisSampler(sd_samplers_common.Sampler):
    """Runs a function of sd_samplers_timesteps_impl."""

    eta_option_field = "eta_ddim"
    eta_infotext_field = "Eta DDIM"
    eta_default = 0.0

    def __init__(self, funcname, sd_model):
        super().__init__(funcname)
        self.model_wrap_cfg = CFGDenoiserTimesteps(self)
        self.model_wrap = self.model_wrap_cfg.inner_model

    def get_timesteps(self, p, steps):
        """Every (1000 // steps)th timestep plus one, ascending."""
        steps += 1 if discards_next_to_last_sigma(self, p) else 0
        return torch.clip(torch.arange(0, 1000, 1000 // steps, device=devices.device) + 1, 0, 999)

    def _function_arguments(self, p, timesteps, is_img2img) -> dict:
        kwargs = self.initialize(p)
        accepted = inspect.signature(self.func).parameters
        if "timesteps" in accepted:
            kwargs["timesteps"] = timesteps
        if is_img2img and "is_img2img" in accepted:
            kwargs["is_img2img"] = True
        return kwargs

    def sample_img2img(
        self,
        p,
        x,
        noise,
        conditioning,
        unconditional_conditioning,
        steps=None,
        image_conditioning=None,
    ):
        steps, t_enc = sd_samplers_common.setup_img2img_steps(p, steps)
        timesteps = self.get_timesteps(p, steps)
        a = shared.sd_model.alphas_cumprod[timesteps[t_enc]]
        xi = x * torch.sqrt(a) + noise * torch.sqrt(1 - a)
        xi = add_extra_noise(p, x, noise, xi, torch.sqrt(a))
        kwargs = self._function_arguments(p, timesteps[:t_enc], is_img2img=True)
        self.model_wrap_cfg.init_latent = x
        self.last_latent = x
        return self.run_function(
            p, xi, t_enc + 1, conditioning, unconditional_conditioning, image_conditioning, kwargs
        )

    def sample(
        self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        steps = steps or p.steps
        kwargs = self._function_arguments(p, self.get_timesteps(p, steps), is_img2img=False)
        self.last_latent = x
        return self.run_function(
            p, x, steps, conditioning, unconditional_conditioning, image_conditioning, kwargs
        )

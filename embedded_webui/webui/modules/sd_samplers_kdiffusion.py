"""Doubles modules/sd_samplers_kdiffusion.py: samplers in sigma space."""

from __future__ import annotations

import inspect

import k_diffusion.external
import k_diffusion.sampling
import torch

from modules import (
    devices,
    sd_samplers_cfg_denoiser,
    sd_samplers_common,
    sd_samplers_extra,
    sd_schedulers,
    shared,
)
from modules.script_callbacks import ExtraNoiseParams, extra_noise_callback
from modules.sd_samplers_cfg_denoiser import CFGDenoiser  # noqa: F401
from modules.shared import opts

samplers_k_diffusion = [
    ("DPM++ 2M", "sample_dpmpp_2m", ["k_dpmpp_2m"], {"scheduler": "karras"}),
    (
        "DPM++ SDE",
        "sample_dpmpp_sde",
        ["k_dpmpp_sde"],
        {"scheduler": "karras", "second_order": True, "brownian_noise": True},
    ),
    (
        "DPM++ 2M SDE",
        "sample_dpmpp_2m_sde",
        ["k_dpmpp_2m_sde"],
        {"scheduler": "exponential", "brownian_noise": True},
    ),
    (
        "DPM++ 2M SDE Heun",
        "sample_dpmpp_2m_sde",
        ["k_dpmpp_2m_sde_heun"],
        {"scheduler": "exponential", "brownian_noise": True, "solver_type": "heun"},
    ),
    (
        "DPM++ 2S a",
        "sample_dpmpp_2s_ancestral",
        ["k_dpmpp_2s_a"],
        {"scheduler": "karras", "uses_ensd": True, "second_order": True},
    ),
    (
        "DPM++ 3M SDE",
        "sample_dpmpp_3m_sde",
        ["k_dpmpp_3m_sde"],
        {"scheduler": "exponential", "discard_next_to_last_sigma": True, "brownian_noise": True},
    ),
    ("Euler a", "sample_euler_ancestral", ["k_euler_a", "k_euler_ancestral"], {"uses_ensd": True}),
    ("Euler", "sample_euler", ["k_euler"], {}),
    ("LMS", "sample_lms", ["k_lms"], {}),
    ("Heun", "sample_heun", ["k_heun"], {"second_order": True}),
    (
        "DPM2",
        "sample_dpm_2",
        ["k_dpm_2"],
        {"scheduler": "karras", "discard_next_to_last_sigma": True, "second_order": True},
    ),
    (
        "DPM2 a",
        "sample_dpm_2_ancestral",
        ["k_dpm_2_a"],
        {
            "scheduler": "karras",
            "discard_next_to_last_sigma": True,
            "uses_ensd": True,
            "second_order": True,
        },
    ),
    ("DPM fast", "sample_dpm_fast", ["k_dpm_fast"], {"uses_ensd": True}),
    ("DPM adaptive", "sample_dpm_adaptive", ["k_dpm_ad"], {"uses_ensd": True}),
    (
        "Restart",
        sd_samplers_extra.restart_sampler,
        ["restart"],
        {"scheduler": "karras", "second_order": True},
    ),
]
CHURN = ["s_churn", "s_tmin", "s_tmax", "s_noise"]
NOISE = ["s_noise"]
sampler_extra_params = {
    "sample_euler": CHURN,
    "sample_heun": CHURN,
    "sample_dpm_2": CHURN,
    "sample_dpm_fast": NOISE,
    "sample_dpm_2_ancestral": NOISE,
    "sample_dpmpp_2s_ancestral": NOISE,
    "sample_dpmpp_sde": NOISE,
    "sample_dpmpp_2m_sde": NOISE,
    "sample_dpmpp_3m_sde": NOISE,
}
samplers_data_k_diffusion = [
    sd_samplers_common.SamplerData(
        label, lambda model, funcname=funcname: KDiffusionSampler(funcname, model), aliases, options
    )
    for label, funcname, aliases, options in samplers_k_diffusion
]
k_diffusion_scheduler = {x.name: x.function for x in sd_schedulers.schedulers}


class CFGDenoiserKDiffusion(sd_samplers_cfg_denoiser.CFGDenoiser):
    """Guidance in x0 space."""

    @property
    def inner_model(self):
        if self.model_wrap is None:
            model = shared.sd_model
            make = getattr(model, "create_denoiser", None)
            if make is not None:
                self.model_wrap = make()
            else:
                external = k_diffusion.external
                v_prediction = model.parameterization == "v"
                wrapper = external.CompVisVDenoiser if v_prediction else external.CompVisDenoiser
                self.model_wrap = wrapper(model, quantize=opts.enable_quantization)
        return self.model_wrap


def discards_next_to_last_sigma(sampler, p) -> bool:
    """The sampler's own wish or the option's, which is noted in the infotext."""
    if sampler.config is not None and sampler.config.options.get(
        "discard_next_to_last_sigma", False
    ):
        return True
    if opts.always_discard_next_to_last_sigma:
        p.extra_generation_params["Discard penultimate sigma"] = True
    return opts.always_discard_next_to_last_sigma


def add_extra_noise(p, x, noise, xi, amplitude=1.0):
    """The option's extra noise on top of the noised latent; extensions may replace the noise."""
    if opts.img2img_extra_noise > 0:
        p.extra_generation_params["Extra noise"] = opts.img2img_extra_noise
        params = ExtraNoiseParams(noise, x, xi)
        extra_noise_callback(params)
        xi += params.noise * opts.img2img_extra_noise * amplitude
    return xi


class KDiffusionSampler(sd_samplers_common.Sampler):
    """Runs a function of k_diffusion.sampling."""

    def __init__(self, funcname, sd_model, options=None):
        super().__init__(funcname)
        self.extra_params = sampler_extra_params.get(funcname, [])
        self.options = options or {}
        self.func = funcname if callable(funcname) else getattr(k_diffusion.sampling, funcname)
        self.model_wrap_cfg = CFGDenoiserKDiffusion(self)
        self.model_wrap = self.model_wrap_cfg.inner_model

    def get_sigmas(self, p, steps):
        """Noise levels [steps + 1] on the CPU, ending in 0."""
        discard = discards_next_to_last_sigma(self, p)
        steps += 1 if discard else 0
        name = (p.hr_scheduler if p.is_hr_pass else p.scheduler) or "Automatic"
        if name == "Automatic":
            name = self.config.options.get("scheduler")
        scheduler = sd_schedulers.schedulers_map.get(name)
        if p.sampler_noise_scheduler_override:
            sigmas = p.sampler_noise_scheduler_override(steps)
        elif scheduler is None or scheduler.function is None:
            sigmas = self.model_wrap.get_sigmas(steps)
        else:
            kwargs = self._schedule_arguments(p, scheduler)
            sigmas = scheduler.function(n=steps, **kwargs, device=devices.cpu)
        if discard:
            sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
        return sigmas.cpu()

    def _schedule_arguments(self, p, scheduler) -> dict:
        params = p.extra_generation_params
        if scheduler.label != "Automatic" and not p.is_hr_pass:
            params["Schedule type"] = scheduler.label
        elif scheduler.label != params.get("Schedule type"):
            params["Hires schedule type"] = scheduler.label
        levels = self.model_wrap.sigmas[0].item(), self.model_wrap.sigmas[-1].item()
        defaults = (0.1, 10) if opts.use_old_karras_scheduler_sigmas else levels
        kwargs = {}
        for key, default, model_level in zip(
            ("sigma_min", "sigma_max"), defaults, levels, strict=True
        ):
            chosen = getattr(opts, key)
            kwargs[key] = default
            if chosen not in (0, model_level):
                kwargs[key] = chosen
                params[f"Schedule {key[6:]} sigma"] = chosen
        if scheduler.default_rho != -1 and opts.rho not in (0, scheduler.default_rho):
            kwargs["rho"] = params["Schedule rho"] = opts.rho
        if scheduler.need_inner_model:
            kwargs["inner_model"] = self.model_wrap
        return kwargs

    def _function_arguments(self, p, x, sigmas, used_sigmas, ends) -> dict:
        kwargs = self.initialize(p)
        available = {
            "sigmas": used_sigmas,
            "sigma_sched": used_sigmas,
            "n": len(used_sigmas) - 1,
        }
        accepted = inspect.signature(self.func).parameters
        if "sigma_min" in accepted:  # of a picture that keeps its all there is but one level
            kwargs["sigma_min"], kwargs["sigma_max"] = ends()
        kwargs.update({name: value for name, value in available.items() if name in accepted})
        if self.config.options.get("brownian_noise", False):
            sd_samplers_common.seed_brownian_trees_like_images()
            kwargs["noise_sampler"] = self.create_noise_sampler(x, sigmas, p)
        if self.config.options.get("solver_type") == "heun":
            kwargs["solver_type"] = "heun"
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
        sigmas = self.get_sigmas(p, steps)
        used = sigmas[steps - t_enc - 1 :]
        if hasattr(shared.sd_model, "add_noise_to_latent"):
            xi = shared.sd_model.add_noise_to_latent(x, noise, used[0])
        else:
            xi = x + noise * used[0]
        xi = add_extra_noise(p, x, noise, xi)
        kwargs = self._function_arguments(p, x, sigmas, used, lambda: (used[-2], used[0]))
        self.model_wrap_cfg.init_latent = x
        self.last_latent = x
        return self.run_function(
            p, xi, t_enc + 1, conditioning, unconditional_conditioning, image_conditioning, kwargs
        )

    def sample(
        self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        steps = steps or p.steps
        sigmas = self.get_sigmas(p, steps)
        if opts.sgm_noise_multiplier:
            p.extra_generation_params["SGM noise multiplier"] = True
            x = x * torch.sqrt(1.0 + sigmas[0] ** 2.0)
        else:
            x = x * sigmas[0]
        ends = self.model_wrap.sigmas[0].item(), self.model_wrap.sigmas[-1].item()
        kwargs = self._function_arguments(p, x, sigmas, sigmas, lambda: ends)
        self.last_latent = x
        return self.run_function(
            p, x, steps, conditioning, unconditional_conditioning, image_conditioning, kwargs
        )

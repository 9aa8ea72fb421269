"""Doubles modules/sd_samplers_common.py.

The base class of samplers, the host's refiner swap, latents and images.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import k_diffusion.sampling
import torch

from modules import devices, sd_models, shared
from modules.latent_images import (  # noqa: F401
    approximation_indexes,
    decode_first_stage,
    images_tensor_to_samples,
    sample_to_image,
    samples_to_image_grid,
    samples_to_images_tensor,
    single_sample_to_image,
)
from modules.shared import opts, state


class SamplerDataTuple(NamedTuple):
    """The fields of SamplerData."""

    name: str
    constructor: Callable[[Any], Sampler]
    aliases: list[str]
    options: dict[str, Any]


class SamplerData(SamplerDataTuple):
    """A sampler that can be made: constructor(model), other names, options."""

    def total_steps(self, steps):
        """Expected number of model calls."""
        return steps * 2 if self.options.get("second_order", False) else steps


class InterruptedException(BaseException):
    """Ends sampling early; not an Exception, so that no hook swallows it."""


def setup_img2img_steps(p, steps=None):
    """(steps of the schedule, steps really done minus one) for the denoising strength."""
    if opts.img2img_fix_steps or steps is not None:
        requested = steps or p.steps
        strength = min(p.denoising_strength, 0.999)
        return int(requested / strength) if p.denoising_strength > 0 else 0, requested - 1
    return p.steps, int(min(p.denoising_strength, 0.999) * p.steps)


def store_latent(decoded):
    """Make this x0 the live preview; drawn here only if other threads must not use the model."""
    state.current_latent = decoded
    period = opts.show_progress_every_n_steps
    due = opts.live_previews_enable and period > 0 and state.sampling_step % period == 0
    if due and not shared.parallel_processing_allowed:
        state.assign_current_image(sample_to_image(decoded))


def is_sampler_using_eta_noise_seed_delta(p):
    """True if ENSD has an effect on this job."""
    from modules import sd_samplers

    config = sd_samplers.find_sampler_config(p.sampler_name)
    eta = p.eta
    if eta is None and p.sampler is not None:
        eta = p.sampler.eta
    if eta is None and config is not None:
        eta = 0 if config.options.get("default_eta_is_0", False) else 1.0
    return eta != 0 and config.options.get("uses_ensd", False)


def _completed_ratio(cfg_denoiser, sigma):
    """Progress of sampling in 0..1: by model timestep, or by steps if the option says so."""
    if opts.refiner_switch_by_sample_steps or sigma is None:
        cfg_denoiser.p.extra_generation_params["Refiner switch by sampling steps"] = True
        return cfg_denoiser.step / cfg_denoiser.total_steps
    sigmas = getattr(cfg_denoiser.inner_model, "sigmas", None)
    if sigmas is None:  # the timestep samplers pass the timestep itself
        timestep = torch.max(sigma).to(dtype=int)
    else:
        timestep = torch.argmin(torch.abs(sigmas.to(sigma.device) - torch.max(sigma)))
    return (999 - timestep) / 1000


def _refiner_in_this_pass(p) -> bool:
    if not getattr(p, "enable_hr", False):
        return True
    wanted = opts.hires_fix_refiner_pass
    if (wanted == "first pass" and p.is_hr_pass) or (wanted == "second pass" and not p.is_hr_pass):
        return False
    if wanted != "second pass":
        p.extra_generation_params["Hires refiner"] = wanted
    return True


def apply_refiner(cfg_denoiser, sigma=None):
    """Replace the model by the refiner when its time has come; True if that happened in this call."""
    p = cfg_denoiser.p
    ratio = _completed_ratio(cfg_denoiser, sigma)
    if p.refiner_switch_at is not None and ratio < p.refiner_switch_at:
        return False
    info = p.refiner_checkpoint_info
    if info is None or shared.sd_model.sd_checkpoint_info == info or not _refiner_in_this_pass(p):
        return False
    p.extra_generation_params["Refiner"] = info.short_title
    p.extra_generation_params["Refiner switch at"] = p.refiner_switch_at
    with sd_models.SkipWritingToConfig():
        sd_models.reload_model_weights(info=info)
    devices.torch_gc()
    p.setup_conds()
    cfg_denoiser.update_inner_model()
    return True


class TorchHijack:
    """Stands in for `torch` in k_diffusion.sampling: randn_like draws from each image's own seed."""

    def __init__(self, p):
        self.rng = p.rng

    def __getattr__(self, item):
        return getattr(torch, item)

    def randn_like(self, x):
        """The batch's next noise."""
        return self.rng.next()


def _brownian_noise(size, dtype, device, seed):
    return devices.randn_local(seed, size).to(device=device, dtype=dtype)


@functools.cache
def seed_brownian_trees_like_images() -> None:
    """Let torchsde draw its noise as the webui draws that of images."""
    import torchsde._brownian.brownian_interval as interval  # slow to import

    interval._randn = _brownian_noise  # noqa: SLF001 - there is no other way in


class Sampler:
    """Base of the samplers: `model_wrap_cfg` is the CFGDenoiser, `func` the sampling function."""

    eta_option_field = "eta_ancestral"
    eta_infotext_field = "Eta"
    eta_default = 1.0

    def __init__(self, funcname):
        self.funcname = funcname
        self.func = funcname
        self.extra_params = []
        self.sampler_noises = None
        self.stop_at = None
        self.eta = None
        self.config: SamplerData = None
        self.last_latent = None
        self.s_min_uncond = None
        self.s_churn = 0.0
        self.s_tmin = 0.0
        self.s_tmax = float("inf")
        self.s_noise = 1.0
        self.conditioning_key = getattr(shared.sd_model.model, "conditioning_key", "crossattn")
        self.p = None
        self.model_wrap = None
        self.model_wrap_cfg = None
        self.sampler_extra_args = None
        self.options = {}

    def callback_state(self, d):
        """After each step: progress."""
        if self.stop_at is not None and d["i"] > self.stop_at:
            raise InterruptedException
        state.sampling_step = d["i"]
        shared.total_tqdm.update()

    def launch_sampling(self, steps, func):
        """Run `func`; an interruption gives the last x0 instead of its result."""
        self.model_wrap_cfg.steps = steps
        self.model_wrap_cfg.total_steps = self.config.total_steps(steps)
        state.sampling_steps = steps
        state.sampling_step = 0
        try:
            return func()
        except (InterruptedException, RecursionError):
            return self.last_latent

    def initialize(self, p) -> dict:
        """Start a sampling of `p`: the sampling function's further keyword arguments."""
        self.p = p
        denoiser = self.model_wrap_cfg
        denoiser.p = p
        denoiser.mask = getattr(p, "mask", None)
        denoiser.nmask = getattr(p, "nmask", None)
        denoiser.step = 0
        denoiser.image_cfg_scale = getattr(p, "image_cfg_scale", None)
        self.eta = p.eta if p.eta is not None else getattr(opts, self.eta_option_field, 0.0)
        self.s_min_uncond = getattr(p, "s_min_uncond", 0.0)
        k_diffusion.sampling.torch = TorchHijack(p)
        accepted = inspect.signature(self.func).parameters
        kwargs = {
            name: getattr(p, name)
            for name in self.extra_params
            if hasattr(p, name) and name in accepted
        }
        if "eta" in accepted:
            if self.eta != self.eta_default:
                p.extra_generation_params[self.eta_infotext_field] = self.eta
            kwargs["eta"] = self.eta
        if self.extra_params:
            self._apply_churn_options(p, kwargs)
        return kwargs

    def _apply_churn_options(self, p, kwargs) -> None:
        values = {
            name: getattr(opts, name, getattr(p, name))
            for name in ("s_churn", "s_tmin", "s_tmax", "s_noise")
        }
        values["s_tmax"] = values["s_tmax"] or self.s_tmax
        for name, value in values.items():
            if name in kwargs and value != getattr(self, name):
                kwargs[name] = value
                setattr(p, name, value)
                p.extra_generation_params[f"Sigma {name.removeprefix('s_')}"] = value

    def create_noise_sampler(self, x, sigmas, p):
        """Brownian noise with one seed per image, None if the option wants the old behaviour."""
        if opts.no_dpmpp_sde_batch_determinism:
            return None
        first = p.iteration * p.batch_size
        seeds = p.all_seeds[first : first + p.batch_size]
        smallest, largest = sigmas[sigmas > 0].min(), sigmas.max()
        return k_diffusion.sampling.BrownianTreeNoiseSampler(x, smallest, largest, seed=seeds)

    def run_function(
        self, p, x, steps, conditioning, unconditional_conditioning, image_conditioning, kwargs
    ):
        """Sample from the noisy latent `x`."""
        self.sampler_extra_args = {
            "cond": conditioning,
            "image_cond": image_conditioning,
            "uncond": unconditional_conditioning,
            "cond_scale": p.cfg_scale,
            "s_min_uncond": self.s_min_uncond,
        }
        quiet = shared.cmd_opts.disable_console_progressbars
        samples = self.launch_sampling(
            steps,
            lambda: self.func(
                self.model_wrap_cfg,
                x,
                extra_args=self.sampler_extra_args,
                disable=quiet,
                callback=self.callback_state,
                **kwargs,
            ),
        )
        self.add_infotext(p)
        return samples

    def sample(
        self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        """Latents [B,4,h,w] from unit noise."""
        raise NotImplementedError

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
        """Latents from a noised latent `x`."""
        raise NotImplementedError

    def add_infotext(self, p):
        """Note what the denoiser did to the conds."""
        if self.model_wrap_cfg.padded_cond_uncond:
            p.extra_generation_params["Pad conds"] = True
        if self.model_wrap_cfg.padded_cond_uncond_v0:
            p.extra_generation_params["Pad conds v0"] = True

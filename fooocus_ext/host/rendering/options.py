"""The host's options with which it renders as Fooocus does, for one job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules import shared

from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.host.machine.options import REFINER_RULE
from fooocus_ext.host.rendering import noise, schedules

_ALL_STEPS = "img2img_fix_steps"
_NOISE_MULTIPLIER = "initial_noise_multiplier"
_OPTIONS: Mapping[str, Any] = {
    "enable_quantization": True,  # the model is asked for whole timesteps
    _ALL_STEPS: True,  # as many as asked for, whatever the denoising strength
    REFINER_RULE: FOOOCUS,
    "jpeg_quality": 95,  # of WebP too
    "webp_lossless": False,
    # What Fooocus has no counterpart of is as if it were not there.
    "eta_noise_seed_delta": 0,
    "no_dpmpp_sde_batch_determinism": False,
    "always_discard_next_to_last_sigma": False,
    "use_old_karras_scheduler_sigmas": False,
    "eta_ancestral": 1.0,
    "s_churn": 0.0,
    "s_tmin": 0.0,
    "s_tmax": 0.0,
    "s_noise": 1.0,
    "s_min_uncond": 0.0,
    "skip_early_cond": 0.0,
    "dynamic_clip_skip_enabled": False,  # reForge's alone
    "emphasis": "Original",  # weights act in a way of their own
    "sd_noise_schedule": "Default",
    "use_downcasted_alpha_bar": False,
    "img2img_extra_noise": 0.0,
    "img2img_color_correction": False,
    "sdxl_crop_top": 0,
    "sdxl_crop_left": 0,
    "sdxl_refiner_high_aesthetic_score": 6.0,
    "sdxl_refiner_low_aesthetic_score": 2.5,
    "pad_cond_uncond": False,
    "pad_cond_uncond_v0": False,
    "sd_vae_encode_method": "Full",
    "sd_vae_decode_method": "Full",
    "token_merging_ratio": 0.0,
    "token_merging_ratio_img2img": 0.0,
    "token_merging_ratio_hr": 0.0,
}


def for_job(p: Any, settings: Settings) -> dict[str, Any]:
    """Return the options that hold for the job ``p`` with these settings; those that this webui has."""
    if settings.rendering != FOOOCUS:
        return {}
    options = {
        **_OPTIONS,
        noise.SOURCE: noise.source_of_device_noise(),
        # The latent of pure noise has the deviation sqrt(1 + level^2), not that of the level alone.
        "sgm_noise_multiplier": schedules.begins_with_pure_noise(schedules.asked_by(p), p.steps),
    }
    if getattr(p, "denoising_strength", None) == 0:
        del options[_ALL_STEPS]  # the webui would make none, and most samplers would fail
    return {name: value for name, value in options.items() if hasattr(shared.opts, name)}


def changed_fields(p: Any) -> dict[str, Any]:
    """Return the fields of ``p`` that an option has set when it was made, as Fooocus would have them.

    A value that is not the option's is what the request itself asks for, and stays.
    """
    multiplier = getattr(p, _NOISE_MULTIPLIER, None)
    if multiplier is None or multiplier != getattr(shared.opts, _NOISE_MULTIPLIER, None):
        return {}
    return {_NOISE_MULTIPLIER: 1.0}

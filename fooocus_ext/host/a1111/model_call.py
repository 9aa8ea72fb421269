"""What the extension reads from A1111 (1.6 to 1.10) about a model call and its pass."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from modules import devices, sd_models, shared

from fooocus_ext.args import NONE
from fooocus_ext.core.call import ModelCall
from fooocus_ext.host.a1111 import lifecycle

if TYPE_CHECKING:
    import torch
    from modules.script_callbacks import CFGDenoiserParams


def checkpoint_names() -> list[str]:
    """Return the choices of a checkpoint dropdown, "None" first."""
    return [NONE, *sd_models.checkpoint_tiles()]


def checkpoint_title(name: str) -> str:
    """Return the dropdown's choice for a checkpoint named in an infotext; as it is if unknown."""
    info = sd_models.get_closet_checkpoint_match(name) if name != NONE else None
    return name if info is None else str(info.title)


def denoiser_of(params: CFGDenoiserParams) -> Any:
    """Return the CFG denoiser behind a callback; None if no sampling of ours is running."""
    p = lifecycle.sampled_processing()
    if hasattr(params, "denoiser") or p is None:
        return getattr(params, "denoiser", None)
    return p.sampler.model_wrap_cfg


def read_model_call(params: CFGDenoiserParams, denoiser: Any) -> ModelCall | None:
    """Describe the model call that the host is about to make.

    Returns None where the rows do not follow the layout that guidance relies on: instruct-pix2pix
    models (a third block of rows) and anything else with foreign rows.
    """
    parts = tuple(len(prompt) for prompt in denoiser.sampler.sampler_extra_args["cond"].batch)
    if params.x.shape[0] != sum(parts) + len(parts):
        return None
    inner = denoiser.inner_model
    is_k_diffusion = hasattr(inner, "sigmas")
    level = params.sigma[:1]
    return ModelCall(
        x=params.x,
        timestep=float(inner.sigma_to_t(level) if is_k_diffusion else level),
        parts=parts,
        cfg_scale=float(denoiser.sampler.sampler_extra_args["cond_scale"]),
        signal=None if is_k_diffusion else denoiser.alphas[params.sigma.long()],
        text_cond=params.text_cond,
        text_uncond=params.text_uncond,
    )


def guidance_obstacle() -> str | None:
    """Return why the active model's predictions must be left alone, or None if they need not."""
    model = shared.sd_model
    if getattr(model, "cond_stage_key", None) == "edit":
        return "instruct-pix2pix models have a guidance of their own"
    if getattr(model, "is_sd3", False):
        return "SD3 does not predict noise"
    return None


def pass_size(p: Any) -> tuple[int, int]:
    """Return (height, width) in pixels of the pass being sampled."""
    if getattr(p, "is_hr_pass", False):
        return p.hr_upscale_to_y, p.hr_upscale_to_x
    return p.height, p.width


def infotext_varies() -> bool:
    """Whether infotext entries may be functions that the host asks picture by picture (1.9)."""
    return importlib.util.find_spec("modules.sd_schedulers") is not None


def size_number_dtype() -> torch.dtype:
    """Return the dtype in which the host rounds SDXL's size numbers before embedding them."""
    return devices.dtype

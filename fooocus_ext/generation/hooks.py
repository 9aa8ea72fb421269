"""The story of one generation, told hook by hook, without the host.

``fooocus_ext.host.a1111.script`` calls these functions in the order in which they stand here; everything
they need from the webui comes as an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fooocus_ext import infotext
from fooocus_ext.core import adm, guidance, schedule
from fooocus_ext.generation import texts

if TYPE_CHECKING:
    from fooocus_ext.core.call import ModelCall
    from fooocus_ext.generation.plan import Plan
    from fooocus_ext.generation.state import Generation


def apply_to_request(p: Any, plan: Plan) -> None:
    """Set what the plan decides in the host's request, before the host reads it."""
    for name, value in plan.request.items():
        if hasattr(p, name):
            setattr(p, name, value)
    for name, value in plan.fallbacks.items():
        if value and not getattr(p, name, value):
            setattr(p, name, value)


def forget_infotext(p: Any) -> None:
    """Drop our entries of an earlier generation, or of the request that this one is a copy of.

    Copies of a request share one dict, and the original's pictures may not be saved yet: the copy
    gets a dict of its own.
    """
    entries = p.extra_generation_params
    if any(key in entries for key in infotext.KEYS):
        p.extra_generation_params = infotext.without_ours(entries)


def begin(p: Any, plan: Plan, writer: texts.Writer, *, infotext_varies: bool) -> None:
    """Write the infotext entries, and rewrite the texts of every picture.

    Raises:
        RequestError: an unknown style, or wildcards without end.
    """
    p.extra_generation_params = {
        **p.extra_generation_params,
        **infotext.settings_entries(plan.typed),
    }
    notes = texts.rewrite_job(p, plan, writer, infotext_varies=infotext_varies)
    for note in (*plan.notes, *notes):
        p.comment(f"Fooocus: {note}")


def before_model_call(
    generation: Generation,
    call: ModelCall,
    *,
    height: int,
    width: int,
    refined: bool,
    number_dtype: torch.dtype,
) -> None:
    """Rewrite the picture size that SDXL is told, and remember the call for its second half.

    Args:
        generation: the running generation.
        call: this call; its conditioning is edited in place.
        height: height in pixels of the pass being sampled (the second pass of hires fix has its own).
        width: width in pixels of the same.
        refined: whether the refiner makes this call.
        number_dtype: the dtype in which the host rounds size numbers before embedding them.
    """
    generation.call = call
    settings = generation.settings
    if settings.adm_positive == 1.0 == settings.adm_negative:
        return
    if not call.is_sdxl_base():
        if not refined:
            generation.skipped["ADM guidance"] = "it needs an SDXL base model"
        return
    if not adm.adm_active(call.timestep, settings.adm_end):
        return
    for cond, scale in (
        (call.text_cond, settings.adm_positive),
        (call.text_uncond, settings.adm_negative),
    ):
        cond["vector"] = adm.scale_original_size(
            cond["vector"], height, width, scale, number_dtype=number_dtype
        )


def after_model_call(generation: Generation, out: torch.Tensor) -> None:
    """Sharpen the conditional predictions and damp a high CFG scale, in place.

    Args:
        generation: the running generation.
        out: the model's outputs for all rows of the call, [N + B, C, h, w]: clean latents (x0) with
            k-diffusion samplers, noise (eps) with the DDIM family.
    """
    call, generation.call = generation.call, None
    if call is None or out.shape[0] != call.cond_rows + len(call.parts):
        return
    if guidance.is_unguided(call.cfg_scale):
        generation.skipped["sharpness and adaptive CFG"] = "they need a CFG scale other than 1"
        return
    settings = generation.settings
    progress = schedule.progress(call.timestep)
    ratio = _cfg_ratio(call, out, settings.adaptive_cfg, progress)
    _sharpen(call, out, settings.sharpness, progress)
    if ratio != 1.0:
        cond, uncond = out[: call.cond_rows], out[call.cond_rows :]
        cond.copy_(guidance.rescale_cond(cond, uncond[call.image_of_row], ratio))


def _cfg_ratio(call: ModelCall, out: torch.Tensor, mimic: float, progress: float) -> float:
    """Return what the guidance direction is multiplied by, so that the host's scale is damped."""
    effective = guidance.effective_cfg(call.cfg_scale, mimic, progress)
    if effective == call.cfg_scale or _uncond_was_skipped(call, out):
        return 1.0
    return effective / call.cfg_scale


def _uncond_was_skipped(call: ModelCall, out: torch.Tensor) -> bool:
    """Whether the host spared the unconditional half (NGMS, Skip Early CFG) in this call.

    It then copies each image's first conditional row into the unconditional one and combines with
    scale 1, so there is no high scale to damp.
    """
    return torch.equal(out[call.first_row_of_image], out[call.cond_rows :])


def _sharpen(call: ModelCall, out: torch.Tensor, sharpness: float, progress: float) -> None:
    if sharpness == 0.0:
        return
    cond, x = out[: call.cond_rows], call.x[: call.cond_rows]
    if call.signal is None:
        sharp = guidance.sharpen(x, cond, sharpness=sharpness, progress=progress)
    else:
        x0 = guidance.predict_x0(x, cond, call.signal[: call.cond_rows])
        sharp = guidance.sharpen_eps(cond, x0, sharpness=sharpness, progress=progress)
    cond.copy_(sharp)

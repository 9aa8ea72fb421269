"""What happens around one call of the denoising model, in the order in which the engine asks.

``CFGDenoiser`` asks a callback (`begin_call`), then modifiers of the conditioning (`_damp`), makes the
call, combines the two predictions, and hands the result to post-CFG functions (`_sharpen`).

The engine deep-copies the options in which hooks are registered. So these are plain functions, which
find what they need in the sampling that runs; outside of any of ours they change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fooocus_ext.core.guidance import is_unguided
from fooocus_ext.generation import hooks
from fooocus_ext.host.sampling import samplings

if TYPE_CHECKING:
    import torch

    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.sampling import Sampling

_MODIFIERS = "conditioning_modifiers"
_POST_CFG = "sampler_post_cfg_function"


@dataclass
class ModelCall:
    """One call of the model.

    Attributes:
        timestep: the model timestep 0..999, possibly fractional.
        scale: the CFG scale that the engine combines with, once that is known.
    """

    timestep: float
    scale: float = 1.0


def install(objects: Any) -> None:
    """Hook our functions into the UNet of a ``forge_objects``, unless they are there already.

    A clone takes the UNet's place: the host resets ``forge_objects`` before each pass, so there is
    nothing to undo. (Forge calls the hook before a hires pass twice, first with the UNet of the first.)
    """
    if _sharpen in objects.unet.model_options.get(_POST_CFG, ()):
        return
    unet = objects.unet.clone()
    unet.add_conditioning_modifier(_damp)
    unet.set_model_sampler_post_cfg_function(_sharpen)
    objects.unet = unet


def claim_sizes(
    generation: Generation,
    params: Any,
    *,
    timestep: float,
    size: tuple[int, int],
    number_dtype: torch.dtype,
    refined: bool,
) -> None:
    """Tell SDXL the picture sizes of negative ADM guidance, in the conditioning of the coming call.

    The conditioning is made anew for each call, so it may be edited in place. At CFG scale 1 Forge has
    none for the negative prompt.
    """
    vectors = hooks.claim_sizes(
        generation,
        _vector(params.text_cond),
        _vector(params.text_uncond),
        timestep=timestep,
        size=size,
        number_dtype=number_dtype,
        refined=refined,
    )
    if vectors is None:
        return
    params.text_cond["vector"], uncond = vectors
    if uncond is not None:
        params.text_uncond["vector"] = uncond


def begin_call(sampling: Sampling, denoiser: Any, timestep: float) -> None:
    """Begin a call that is guided, unless the job asks for CFG scale 1.

    A call of scale 1 in another job (skipped at the start, or at low noise) is guided like any other.
    (Classic makes the very first call of each job so.)
    """
    p = denoiser.p
    scale = denoiser.sampler.sampler_extra_args["cond_scale"]
    if getattr(p, "is_hr_pass", False):
        scale = getattr(p, "hr_cfg", scale)
    if is_unguided(scale):
        hooks.note_unguided(sampling.generation)
        sampling.call = None
        return
    sampling.call = ModelCall(timestep)


def _damp(
    model: Any,
    x: torch.Tensor,
    sigma: torch.Tensor,
    uncond: Any,
    cond: Any,
    cond_scale: float,
    model_options: Any,
    seed: Any,
) -> tuple[Any, ...]:
    """Let a high CFG scale in gradually (adaptive CFG)."""
    sampling = samplings.current()
    call = sampling.call if sampling is not None else None
    if sampling is not None and call is not None:
        cond_scale = call.scale = hooks.damped_scale(
            sampling.generation, cond_scale, timestep=call.timestep
        )
    return model, x, sigma, uncond, cond, cond_scale, model_options, seed


def _sharpen(args: dict[str, Any]) -> torch.Tensor:
    """Sharpen the conditional prediction in what the engine has combined from it.

    The combination is linear in it, so the edit is exact for one prompt. Of the parts of an AND prompt
    the engine tells their weighted mean alone, and that is what is sharpened.
    """
    combined: torch.Tensor = args["denoised"]
    sampling = samplings.current()
    call = sampling.take_call() if sampling is not None else None
    if sampling is None or call is None:
        return combined
    cond: torch.Tensor = args["cond_denoised"]
    sharp = hooks.sharpen(sampling.generation, args["input"], cond, timestep=call.timestep)
    if sharp is cond:
        return combined
    weight: float = sum(part.get("strength", 1.0) for part in args["cond"])
    scale: float = args.get(
        "cond_scale", call.scale
    )  # reForge tells it; it may have left the negative out
    return combined + (sharp - cond) * (scale * weight)


def _vector(conditioning: Any) -> torch.Tensor | None:
    return conditioning.get("vector") if isinstance(conditioning, dict) else None

"""What happens around one call of the denoising model, in the order in which the engine asks.

``CFGDenoiser`` asks a callback (`begin_call`), then modifiers of the conditioning (`_damp`), makes the
call, combines the two predictions, and hands the result to post-CFG functions (`_sharpen`).

A modifier of another extension may make a call of its own in between and throw its result away
(ControlNet's "reference_only" does: Forge dfdcbab, reForge 3b56b26, Classic 1f95d71). Its options have our
functions too. So these only read what they know of the call, and the next one's `begin_call` replaces it.

The engine deep-copies the options in which hooks are registered. So these are plain functions, which
find what they need in the sampling that runs; outside of any of ours they change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fooocus_ext.core.guidance import is_unguided
from fooocus_ext.generation import hooks
from fooocus_ext.host.passes import in_second_pass
from fooocus_ext.host.sampling import samplings

if TYPE_CHECKING:
    import torch

    from fooocus_ext.host.sampling import Sampling

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


def begin_call(sampling: Sampling, denoiser: Any, timestep: float) -> None:
    """Begin a call that is guided, unless the job asks for CFG scale 1.

    A call of scale 1 in another job (skipped at the start, or at low noise) is guided like any other.
    (Classic makes the very first call of each job so.)
    """
    p = denoiser.p
    scale = of_first_pass = denoiser.sampler.sampler_extra_args["cond_scale"]
    if in_second_pass(p):
        scale = getattr(p, "hr_cfg", scale)
    if is_unguided(scale):
        # Forge's API has 1 for the second pass, unless another is asked for (seen: dfdcbab).
        hooks.note_unguided(sampling.generation, in_second_alone=scale != of_first_pass)
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
    call = sampling.call if sampling is not None else None
    if sampling is None or call is None:
        return combined
    cond: torch.Tensor = args["cond_denoised"]
    sharp = hooks.sharpen(sampling.generation, args["input"], cond, timestep=call.timestep)
    if sharp is cond:
        return combined
    weight: float = sum(part.get("strength", 1.0) for part in args["cond"])
    # reForge tells it; it may have left the negative out.
    scale: float = args.get("cond_scale", call.scale)
    return combined + (sharp - cond) * (scale * weight)

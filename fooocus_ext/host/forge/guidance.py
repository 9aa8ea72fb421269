"""What happens around one call of the denoising model, in the order in which the engine asks.

``CFGDenoiser`` asks a callback (`begin_call`), then modifiers of the conditioning (`_guide`), makes the
call, and combines the two predictions, after or in which the conditional one is sharpened: `_guide` puts
that into the options of the call alone. In the UNet's own it would be lost with reForge's samplers that
bring a list of post-CFG functions ("Euler CFG++" and others: 3b56b26).

A modifier of another extension may make a call of its own in between and throw its result away
(ControlNet's "reference_only" does: Forge dfdcbab, reForge 3b56b26, Classic 1f95d71). Its options may have
our functions too. So these only read what they know of the call, and the next one's `begin_call` replaces it.

The engine deep-copies the options in which hooks are registered. So what is registered is a plain function,
which finds what it needs in the sampling that runs; outside of any of ours it changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fooocus_ext.core.guidance import is_unguided
from fooocus_ext.generation import hooks
from fooocus_ext.host.passes import in_second_pass
from fooocus_ext.host.sampling import samplings

if TYPE_CHECKING:
    import torch

    from fooocus_ext.host.sampling import Sampling

Arguments = Mapping[str, Any]
"""what the engine tells a CFG function and post-CFG functions"""
_MODIFIERS = "conditioning_modifiers"
_CFG = "sampler_cfg_function"
_POST_CFG = "sampler_post_cfg_function"


def install(objects: Any) -> None:
    """Hook into the UNet of a ``forge_objects``, unless that was done already.

    A clone takes the UNet's place: the host resets ``forge_objects`` before each pass, so there is
    nothing to undo. (Forge calls the hook before a hires pass twice, first with the UNet of the first.)
    """
    if _guide in objects.unet.model_options.get(_MODIFIERS, ()):
        return
    unet = objects.unet.clone()
    unet.add_conditioning_modifier(_guide)
    objects.unet = unet


def begin_call(sampling: Sampling, denoiser: Any, timestep: float) -> None:
    """Begin a call that is guided, unless the job asks for CFG scale 1.

    All that the hooks around it must remember of a call is its model timestep, 0..999, possibly fractional.

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
    sampling.call = timestep


def _guide(
    model: Any,
    x: torch.Tensor,
    sigma: torch.Tensor,
    uncond: Any,
    cond: Any,
    cond_scale: float,
    model_options: Any,
    seed: Any,
) -> tuple[Any, ...]:
    """Let a high CFG scale in gradually (adaptive CFG), and have the call's prediction sharpened."""
    sampling = _sampling_in_a_call()
    if sampling is not None:
        cond_scale = hooks.damped_scale(sampling.generation, cond_scale, timestep=sampling.call)
        model_options = _with_sharpening(model_options, cond_scale)
    return model, x, sigma, uncond, cond, cond_scale, model_options, seed


def _with_sharpening(options: Mapping[str, Any], cond_scale: float) -> dict[str, Any]:
    """Return the options of a call with sharpening in the combination, or right after the engine's own.

    What another function combines (Dynamic Thresholding, RescaleCFG, ...) is not linear in the conditional
    prediction: only within is the edit what it is on A1111.
    """
    combine = options.get(_CFG)
    if combine is not None:
        return {**options, _CFG: functools.partial(_combine_sharpened, combine)}
    sharpen = functools.partial(_sharpen_combined, cond_scale)
    return {**options, _POST_CFG: [sharpen, *options.get(_POST_CFG, ())]}


def _combine_sharpened(combine: Callable[[Arguments], Any], args: Arguments) -> Any:
    """Combine the predictions as another extension does, the conditional one sharpened."""
    cond: torch.Tensor = args["cond_denoised"]
    sharp = _sharpened(args).to(cond)
    if sharp is cond:
        return combine(args)
    return combine({**args, "cond": args["input"] - sharp, "cond_denoised": sharp})


def _sharpen_combined(cond_scale: float, args: Arguments) -> torch.Tensor:
    """Sharpen the conditional prediction in what the engine has combined from it.

    The combination is linear in it, so the edit is exact for one prompt. Of the parts of an AND prompt
    the engine tells their weighted mean alone, and that is what is sharpened.
    """
    combined: torch.Tensor = args["denoised"]
    cond: torch.Tensor = args["cond_denoised"]
    sharp = _sharpened(args)
    if sharp is cond:
        return combined
    weight: float = sum(part.get("strength", 1.0) for part in args["cond"])
    # reForge tells it; it may have left the negative out.
    scale: float = args.get("cond_scale", cond_scale)
    return combined + (sharp - cond) * (scale * weight)


def _sharpened(args: Arguments) -> torch.Tensor:
    """Return the conditional prediction, itself where there is nothing to sharpen."""
    cond: torch.Tensor = args["cond_denoised"]
    sampling = _sampling_in_a_call()
    if sampling is None:
        return cond
    return hooks.sharpen(sampling.generation, args["input"], cond, timestep=sampling.call)


def _sampling_in_a_call() -> Sampling | None:
    """Return the sampling whose model call is in progress; None outside of any of ours."""
    sampling = samplings.current()
    return None if sampling is None or sampling.call is None else sampling

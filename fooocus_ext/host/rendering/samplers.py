"""Fooocus's sampler in place of the webui's, for one pass of sampling."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import torch
from modules import sd_samplers, shared

from fooocus_ext.core import solvers, unipc
from fooocus_ext.host.rendering import schedules
from fooocus_ext.host.replaced import replaced

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.rendering.schedules import Asked, Levels

STAND_IN = "Euler"
"""The webui's sampler that lends its noise levels and its steps to those that it has in another form."""


def needs_own(asked: Asked) -> bool:
    """Whether the webui's sampler of that name is another than Fooocus's.

    "ddim" is Euler's method there, with any schedule; "lcm" asks the model as it is, unless the schedule
    is the distilled one too; UniPC's steps are at the noise levels that are chosen.
    """
    return _stands_in_for(asked) or asked.sampler in schedules.ENDS_OF_RANGE


def _stands_in_for(asked: Asked) -> bool:
    is_plain_lcm = asked.sampler == "lcm" and asked.schedule != schedules.DISTILLED
    return is_plain_lcm or asked.sampler in ("ddim", "uni_pc")


def prepare(
    p: Any, generation: Generation, levels: Levels, unit_noise: torch.Tensor | None
) -> None:
    """Make the sampler of the coming pass Fooocus's; the end of the sampling puts the webui's back.

    Args:
        p: the processing object, with the sampler of the pass.
        generation: its generation.
        levels: what the webui will ask for noise levels, if it is Fooocus's.
        unit_noise: the noise of the pass, which may be changed in place; None if the webui shows none.
    """
    asked = schedules.asked_by(p)
    until_end = generation.sampling.enter_context
    if _stands_in_for(asked):
        until_end(replaced(p, "sampler", sd_samplers.create_sampler(STAND_IN, p.sd_model)))
    sampler = p.sampler
    if _stands_in_for(asked) and asked.sampler != "ddim":
        sampler.func = _own_solver(p, asked.sampler)
    elif asked.sampler in schedules.ENDS_OF_RANGE:
        until_end(replaced(sampler, "func", _with_ends(sampler.func, levels)))
    schedules.use_fooocus_levels(sampler.model_wrap_cfg)
    if schedules.is_known(asked):
        within = _within(sampler.create_noise_sampler, levels)
        until_end(replaced(sampler, "create_noise_sampler", within))
    if unit_noise is not None and schedules.begins_with_picture(p):
        _lift_to_pure_noise(p, asked, unit_noise)


def _own_solver(p: Any, sampler: str | None) -> Callable[..., torch.Tensor]:
    """Return our solver that stands in for one of the webui's, to be called as k-diffusion's are."""
    if sampler == "lcm":
        solver = functools.partial(
            solvers.latent_consistency, draw=functools.partial(_next_noise, p)
        )
    else:
        variant: Any = getattr(shared.opts, "uni_pc_variant", None)
        known = get_args(unipc.Variant)  # A1111 has one more than Fooocus, neo has no choice
        if variant not in known:
            variant = known[0]
        solver = functools.partial(unipc.sample, variant=variant)

    def sample(
        model: Any,
        x: torch.Tensor,
        sigmas: torch.Tensor,
        extra_args: Any = None,
        callback: Any = None,
        disable: Any = None,
    ) -> torch.Tensor:
        return solver(model, x, sigmas, extra_args=extra_args, callback=callback)

    return sample


def _next_noise(p: Any) -> torch.Tensor:
    drawn: torch.Tensor = p.rng.next()  # looked up anew: a refiner's second run has its own
    return drawn


def _with_ends(sample: Callable[..., Any], levels: Levels) -> Callable[..., Any]:
    """Return a sampler of a range that gets the range of the schedule, not that of the model."""

    @functools.wraps(sample)
    def sample_range(*args: Any, **kwargs: Any) -> Any:
        if levels.used is not None:
            kwargs.update(sigma_max=levels.used[0], sigma_min=levels.used[-2])
        return sample(*args, **kwargs)

    return sample_range


def _within(create: Callable[..., Any], levels: Levels) -> Callable[..., Any]:
    """Return what makes the noise of SDE samplers, spanning the levels of the steps that are made.

    (The webui's spans the whole schedule, also where a picture starts in its middle.)
    """

    def create_noise_sampler(x: torch.Tensor, sigmas: torch.Tensor, p: Any) -> Any:
        return create(x, sigmas if levels.used is None else levels.used, p)

    return create_noise_sampler


def _lift_to_pure_noise(p: Any, asked: Asked, unit_noise: torch.Tensor) -> None:
    """Where a picture is noised to the first level, make the sum what Fooocus's is.

    The webui adds noise times the level; Fooocus takes the pure noise's larger deviation.
    """
    steps = schedules.requested_steps(p)
    is_whole = int(steps / max(min(p.denoising_strength, 0.999), 0.001)) <= steps
    if schedules.is_known(asked) and is_whole and schedules.begins_with_pure_noise(asked, steps):
        largest = schedules.table_for(asked, p.sd_model).largest
        unit_noise.mul_((1 + largest**2) ** 0.5 / largest)

"""A1111's callbacks around each model call, and what happens in them."""

from __future__ import annotations

from functools import partial
from typing import Any

from modules import script_callbacks, shared

from fooocus_ext.host.a1111.family import HOST
from fooocus_ext.host.a1111.model_call import nearest_timestep, read_model_call, show_picture
from fooocus_ext.host.claimed_sizes import tell_sizes
from fooocus_ext.host.passes import size_of_pass
from fooocus_ext.host.refiner import webuis
from fooocus_ext.host.sampling import Sampling, ends_sampling_on_error, samplings


def register() -> None:
    """Register with the webui."""
    script_callbacks.on_cfg_denoiser(_before_model_call)
    script_callbacks.on_cfg_denoised(_after_model_call)


def _before_model_call(params: Any) -> None:
    sampling = samplings.current()
    if sampling is None:
        return
    denoiser = getattr(params, "denoiser", sampling.p.sampler.model_wrap_cfg)  # named from 1.8 on
    if denoiser.p is sampling.p:
        with ends_sampling_on_error():
            _prepare_model_call(sampling, params, denoiser)


def _prepare_model_call(sampling: Sampling, params: Any, denoiser: Any) -> None:
    generation = sampling.generation
    if generation.inpaint_engine is not None:
        generation.inpaint_engine.before_call(
            denoiser.step, total_calls=denoiser.total_steps, steps=denoiser.steps
        )
    refined = generation.refiner is not None and generation.refiner.intervene(
        generation, params, denoiser, partial(nearest_timestep, params, denoiser)
    )
    if generation.editing is not None:
        if hasattr(shared.sd_model, "add_noise_to_latent"):  # SD3 (1.10)
            generation.editing.leave_around_to_webui()
        else:
            show_picture(generation.editing, params, denoiser)
    obstacle = HOST.guidance_obstacle()
    sampling.call = read_model_call(params, denoiser) if obstacle is None else None
    if sampling.call is None:
        generation.skipped["guidance"] = obstacle or "this model's rows have a foreign layout"
        return
    tell_sizes(
        generation,
        params.text_cond,
        params.text_uncond,
        timestep=sampling.call.timestep,
        size=size_of_pass(denoiser.p),
        number_dtype=HOST.size_number_dtype(),
        refined=refined or webuis.has_taken_over(denoiser.p),
    )


def _after_model_call(params: Any) -> None:
    sampling = samplings.current()
    call = sampling.take_call() if sampling is not None else None
    if sampling is not None and call is not None:
        with ends_sampling_on_error():
            call.guide(sampling.generation, params.x)

"""The callback before each model call, in which the Forge family lets conditioning be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import script_callbacks

from fooocus_ext.host.claimed_sizes import tell_sizes
from fooocus_ext.host.forge import guidance
from fooocus_ext.host.forge.engine import GUIDED, engine, nearest_timestep
from fooocus_ext.host.forge.family import HOST
from fooocus_ext.host.passes import size_of_pass
from fooocus_ext.host.refiner import webuis
from fooocus_ext.host.sampling import Sampling, ends_sampling_on_error, samplings

if TYPE_CHECKING:
    from fooocus_ext.host.edit.editing import Editing


def register() -> None:
    """Register with the webui, which asks no callback after the call: see ``guidance.install``."""
    script_callbacks.on_cfg_denoiser(_before_model_call)


def _before_model_call(params: Any) -> None:
    sampling = samplings.current()
    if sampling is None:
        return
    sampling.call = None
    if params.denoiser.p is sampling.p:
        with ends_sampling_on_error():
            _prepare_model_call(sampling, params, params.denoiser)


def _prepare_model_call(sampling: Sampling, params: Any, denoiser: Any) -> None:
    generation = sampling.generation
    sigma = params.sigma[0]
    refined = generation.refiner is not None and generation.refiner.intervene(
        generation, params, denoiser, lambda: nearest_timestep(_sigmas(denoiser), sigma)
    )
    if generation.editing is not None:
        _show_picture(generation.editing, params, denoiser)
    obstacle = HOST.guidance_obstacle()
    if obstacle is not None:
        generation.skipped["guidance"] = obstacle
        return
    webuis_refiner = webuis.has_taken_over(denoiser.p)
    if webuis_refiner:  # which the webui has loaded in mid-pass
        guidance.install(denoiser.inner_model.inner_model.forge_objects)
    step = nearest_timestep(_sigmas(denoiser), sigma)
    tell_sizes(
        generation,
        params.text_cond,
        params.text_uncond,
        timestep=step,
        size=size_of_pass(denoiser.p),
        number_dtype=HOST.size_number_dtype(),
        refined=refined or webuis_refiner,
    )
    guidance.begin_call(sampling, denoiser, step)


def _show_picture(editing: Editing, params: Any, denoiser: Any) -> None:
    """Show the model the picture of an edit outside of its mask.

    In place, because reForge goes on with its own name for these latents. There they may be the
    sampler's own: what it makes of them outside of the mask is replaced after each call.
    """
    if engine().prediction(_unet(denoiser)) not in GUIDED:
        editing.leave_around_to_webui()
        return
    x = params.x
    rows = range(len(x))
    x.copy_(editing.shown(x, denoiser, signal=1.0, noise=params.sigma[0], image_of_row=rows))


def _sigmas(denoiser: Any) -> Any:
    """Return the noise levels of the model whose turn it is."""
    return engine().sigmas(_unet(denoiser))


def _unet(denoiser: Any) -> Any:
    return denoiser.inner_model.inner_model.forge_objects.unet

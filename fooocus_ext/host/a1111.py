"""What the extension reads from A1111 (1.6 to 1.10) and how it reports back to its user."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from modules import devices, sd_models, sd_samplers_common, shared

from fooocus_ext import state
from fooocus_ext.args import NONE
from fooocus_ext.core.call import ModelCall
from fooocus_ext.errors import RequestError
from fooocus_ext.pipeline import SKIPPED_KEY

if TYPE_CHECKING:
    import torch
    from modules.script_callbacks import CFGDenoiserParams

    from fooocus_ext.state import Generation

_sampling: list[Any] = []
"""Processing objects whose sampling is running, innermost last; not every callback names its own."""


def checkpoint_names() -> list[str]:
    """Return the choices of a checkpoint dropdown, "None" first."""
    return [NONE, *sd_models.checkpoint_tiles()]


def checkpoint_title(name: str) -> str:
    """Return the dropdown's choice for a checkpoint named in an infotext; as it is if unknown."""
    info = sd_models.get_closet_checkpoint_match(name) if name != NONE else None
    return name if info is None else str(info.title)


def sampled_processing() -> Any:
    """Return the processing object whose sampling we are in; None outside of any of ours."""
    return _sampling[-1] if _sampling else None


def denoiser_of(params: CFGDenoiserParams) -> Any:
    """Return the CFG denoiser behind a callback; None if no sampling of ours is running."""
    p = sampled_processing()
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


def follow_sampling(p: Any, generation: Generation) -> None:
    """Make every exit from ``p``'s sampling and from ``p`` itself undo what was done for it.

    Sampling ends in ``p.sample``, whatever happens in it; ``p.close`` is called by the host's API
    and page after any generation, also a failed one, where ``postprocess`` is not.
    """
    sample, close = p.sample, p.close

    def sample_and_undo(*args: Any, **kwargs: Any) -> Any:
        with _running(p, generation):
            if generation.refiner is not None:
                generation.refiner.encode(p)
            samples = sample(*args, **kwargs)
            if generation.failure is not None:
                raise generation.failure
            return samples

    def close_and_undo() -> None:
        state.detach(p)
        close()

    generation.override(p, "sample", sample_and_undo)
    generation.override(p, "close", close_and_undo)


@contextmanager
def _running(p: Any, generation: Generation) -> Iterator[None]:
    _sampling.append(p)
    try:
        yield
    finally:
        _sampling.pop()
        generation.end_sampling()
        report_skipped(p, generation)


@contextmanager
def ends_sampling_on_error(generation: Generation) -> Iterator[None]:
    """Make an error of ours inside a callback end the generation with that error.

    The host swallows exceptions in callbacks and would go on to a picture without what was asked
    for. Its own way to stop a sampler passes: it is no Exception. ``follow_sampling`` then raises.
    """
    try:
        if generation.failure is not None:
            raise sd_samplers_common.InterruptedException
        yield
    except Exception as error:
        generation.failure = error
        raise sd_samplers_common.InterruptedException from error


def report_skipped(p: Any, generation: Generation) -> None:
    """Say under the picture and in its infotext what was asked for but could not be applied."""
    if not generation.skipped:
        return
    reasons = [f"{what}: {why}" for what, why in generation.skipped.items()]
    p.extra_generation_params[SKIPPED_KEY] = "; ".join(reasons)
    p.comment(f"Fooocus skipped {'; '.join(reasons)}")


def refuse(p: Any, generation: Generation, error: Exception) -> None:
    """Make the generation of ``p`` end with ``error`` before any model work.

    The host swallows exceptions in hooks, but calls ``p.init`` outside of its guard, right after
    the ``process`` hooks. Over the API it answers with the status of an HTTPException, and logs no
    traceback for one.
    """
    reason: Exception = error
    if isinstance(error, RequestError) and getattr(p, "is_api", False):
        reason = HTTPException(status_code=error.status_code, detail=error.detail)

    def refuse_to_start(*_args: Any, **_kwargs: Any) -> None:
        raise reason

    generation.override(p, "init", refuse_to_start)

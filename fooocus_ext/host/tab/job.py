"""From the page's choices to a job of the webui, with what this machine has: upscalers, samplers, files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modules import sd_models, sd_samplers, shared
from PIL import Image

from fooocus_ext.args import FOOOCUS, HOST_CHOICE, NONE
from fooocus_ext.edit import INPAINT
from fooocus_ext.errors import RequestError, describe, did_you_mean
from fooocus_ext.host import family
from fooocus_ext.host.edit.task import Task
from fooocus_ext.host.jobs import outputs, upscalers
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import assets, checkpoints
from fooocus_ext.host.machine.options import WILDCARDS_IN_ORDER
from fooocus_ext.images.area import rounded_side
from fooocus_ext.limits import USUAL_CLIP_SKIP
from fooocus_ext.presets.published import UPSCALER
from fooocus_ext.tab.actions import (
    LARGEST_SIDE,
    is_diffused,
    request_for,
    upscaled_as_fooocus,
    upscaled_size,
    varied_as_fooocus,
    varied_request,
    varied_size,
)
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import EDIT, GENERATE, VARIATIONS, Variation

_FOOOCUS_FACTOR = 4
"""By how much Fooocus's upscaler enlarges any picture, before it is resized to what is asked for."""
_APPLIES_TO_SDXL = "sdxl_clip_l_skip"
"""An option of the host from 1.10 on."""


def check(choices: Choices, base_model: str, action: str, start: Start) -> int:
    """Refuse what cannot be made, before it waits for its turn; return how many pictures it makes.

    Args:
        choices: what the page asks for.
        base_model: a checkpoint title.
        action: one of ``variations``.
        start: what it starts from.

    Raises:
        RequestError: something that it names does not exist on this machine, or is not allowed.
    """
    if not sd_models.checkpoint_tiles():
        raise RequestError("There is no model yet; the message above says which to download.")
    _check_names(choices)
    if action not in {GENERATE, EDIT, *VARIATIONS}:
        raise RequestError(f"action: there is no {describe(action)}.")
    if action == EDIT:
        _task(choices, base_model, start).check(family.of_this_webui().host)
    elif start.picture is not None and VARIATIONS[action].enlarges:
        upscalers.find(choices.upscaler)
        _factor, size = _upscaled_size(start.picture, VARIATIONS[action].scale, choices)
        if not is_diffused(VARIATIONS[action], size):
            return 1
    return choices.image_number


def job_for(
    choices: Choices,
    base_model: str,
    action: str,
    start: Start,
    output: outputs.Output | None,
) -> Job:
    """Return the job that the page asks for.

    Args:
        choices: what the page asks for.
        base_model: a checkpoint title.
        action: one of ``variations``.
        start: what it starts from.
        output: where the pictures go, and which is the first to be made; None to leave that to the
            webui's settings.

    Raises:
        RequestError: something that it names does not exist on this machine any more.
    """
    _check_names(choices)
    values: dict[str, Any] = {
        "prompt": choices.prompt,
        "negative_prompt": choices.negative_prompt,
        "settings": choices.settings,
        "image_number": choices.image_number,
        "seed": -1 if choices.seed is None else choices.seed,
        "base_model": base_model,
        "loras": choices.loras,
        "request": request_for(choices),
        "options": _options(choices),
        "output": output,
    }
    if action == EDIT:
        values.update(_edited(choices, base_model, start))
    elif start.picture is not None:
        values.update(varied(choices, variation_of(choices, action), start.picture))
        values["options"]["img2img_fix_steps"] = True  # as many steps as asked for, as Fooocus does
    return Job(**values)


def _options(choices: Choices) -> dict[str, Any]:
    options: dict[str, Any] = {"sd_vae": choices.vae} if choices.vae else {}
    options[WILDCARDS_IN_ORDER] = choices.wildcards_in_order
    if choices.settings.rendering == FOOOCUS:
        options.update(_clip_skip(choices.clip_skip))
    if shared.opts.show_progress_every_n_steps > 1:
        options["show_progress_every_n_steps"] = (
            1  # previews are this page's only sight of progress
        )
    return options


def _clip_skip(skip: int) -> dict[str, Any]:
    """Return the host's options for a clip skip: its own 1 means SDXL's usual 2, unless it is told."""
    if skip == USUAL_CLIP_SKIP:
        options = {"CLIP_stop_at_last_layers": 1, _APPLIES_TO_SDXL: False}
    else:
        options = {"CLIP_stop_at_last_layers": skip, _APPLIES_TO_SDXL: True}
    return {name: value for name, value in options.items() if hasattr(shared.opts, name)}


def _edited(choices: Choices, base_model: str, start: Start) -> dict[str, Any]:
    """Return what a job is told of an edit; the part that is made anew has a size of its own."""
    settings = choices.settings.replace(aspect_ratio=HOST_CHOICE).keeping("aspect_ratio")
    return {"edited": _task(choices, base_model, start), "settings": settings}


def _task(choices: Choices, base_model: str, start: Start) -> Task:
    if choices.edit is None or start.picture is None:
        raise RequestError("Input image: choose a picture first, or untick Input image.")
    edit = choices.edit
    if start.mask is None and not (edit.outpaints or edit.mask_invert):
        sides = ", or choose sides at which it is to go on" if edit.mode == INPAINT else ""
        raise RequestError(f"Input image: mark in the picture what is to be made anew{sides}.")
    masks = () if start.mask is None else (start.mask,)
    side = checkpoints.side(base_model) if choices.size is None else rounded_side(choices.size)
    return Task(edit, start.picture, masks, side, choices.upscaler)


def variation_of(choices: Choices, action: str) -> Variation:
    """Return what becomes of a picture; the input picture's strength may be forced."""
    variation = VARIATIONS[action]
    forced = choices.forced_strength if action == choices.action else None
    return replace(variation, denoising=forced) if forced and variation.denoising else variation


def varied(choices: Choices, variation: Variation, picture: Image.Image) -> dict[str, Any]:
    """Return what a job is told of a variation; the caller holds the host's queue, as upscalers run.

    Raises:
        RequestError: the picture would become too large, or there is no such upscaler.
    """
    as_fooocus = choices.settings.rendering == FOOOCUS
    if variation.enlarges:
        picture = _upscaled(picture, variation.scale, choices)
        size = picture.size
    elif as_fooocus:
        size = choices.size or varied_as_fooocus(picture.size)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    else:
        size = choices.size or varied_size(picture.size)
    request, settings = varied_request(choices, variation, size)
    values = {"picture": picture, "settings": settings, "request": request}
    if not is_diffused(variation, size):  # all pictures of the job would be the same
        settings = settings.replace(refiner=NONE, rendering=HOST_CHOICE)
        return {**values, "settings": settings, "diffuses": False, "image_number": 1}
    return {**values, "denoising": variation.denoising, "tiles": variation.enlarges}


def _upscaled(picture: Image.Image, scale: float, choices: Choices) -> Image.Image:
    """Return the picture made larger by an upscaler."""
    factor, size = _upscaled_size(picture, scale, choices)
    upscaler = upscalers.find(choices.upscaler)
    shared.state.textinfo = f"Upscaling with {upscaler.name}"
    larger = upscaler.scaler.upscale(picture, factor, upscaler.data_path)
    return larger.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def upscaling_notes(choices: Choices, action: str, made: Job) -> list[str]:
    """Return what to say of a picture that was enlarged without an upscaling model, or without sampling."""
    if action not in VARIATIONS or not VARIATIONS[action].enlarges:
        return []
    notes = []
    if choices.upscaler is None and upscalers.find(None).name == upscalers.PLAIN:
        notes.append(
            f"The picture was enlarged with {upscalers.PLAIN}, because no upscaling model is installed, "
            f"such as {UPSCALER}."
        )
    if VARIATIONS[action].denoising and not made.diffuses:
        notes.append(
            f"The picture was enlarged without adding detail: above the area of {LARGEST_SIDE}×"
            f"{LARGEST_SIDE} the model is not used."
        )
    return notes


def _upscaled_size(
    picture: Image.Image, scale: float, choices: Choices
) -> tuple[float, tuple[int, int]]:
    """Return how much an upscaler must enlarge the picture, and the size that it gets.

    A forced size says that small pictures are meant.
    """
    small = choices.size is not None
    if choices.settings.rendering != FOOOCUS:
        return upscaled_size(picture.size, scale, may_stay_small=small)
    largest = picture.width * _FOOOCUS_FACTOR, picture.height * _FOOOCUS_FACTOR
    size = upscaled_as_fooocus(picture.size, scale, largest, may_stay_small=small)
    return float(_FOOOCUS_FACTOR), size


def _check_names(choices: Choices) -> None:
    """Refuse what the host would replace by something else, or leave out, without a word."""
    known = (
        ("Sampler", choices.sampler, list(sd_samplers.all_samplers_map)),
        ("Schedule type", choices.scheduler or None, assets.scheduler_labels()),
        ("VAE", choices.vae, ["Automatic", "None", *assets.installed().vaes]),
        *(("LoRA", name, assets.lora_names()) for name, _weight in choices.loras),
    )
    for label, value, names in known:
        if value is not None and value not in names:
            allowed = ", ".join(f'"{name}"' for name in names) or "none, because none is installed"
            raise RequestError(
                f'{label}: there is no "{value}"{did_you_mean(value, names)}; allowed: {allowed}.'
            )

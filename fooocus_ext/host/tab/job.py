"""From the page's choices to a job of the webui, with what this machine has: upscalers, samplers, files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modules import sd_models, sd_samplers, shared

from fooocus_ext.args import FOOOCUS, HOST_CHOICE
from fooocus_ext.edit import INPAINT
from fooocus_ext.errors import RequestError, describe, did_you_mean
from fooocus_ext.host.edit.task import Task
from fooocus_ext.host.jobs import outputs, variations
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import assets, checkpoints, upscalers, vae
from fooocus_ext.host.machine.options import WILDCARDS_IN_ORDER
from fooocus_ext.host.machine.versions import CLIP_SKIP_ACTS
from fooocus_ext.images.area import rounded_side
from fooocus_ext.limits import USUAL_CLIP_SKIP
from fooocus_ext.tab.actions import is_diffused, request_for
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import EDIT, GENERATE, VARIATIONS, Variation


def with_base(choices: Choices) -> Choices:
    """Return choices that name a base model: if they name none, the first SDXL base that is here, if any."""
    return replace(choices, base_model=checkpoints.or_first_base(choices.base_model))


def check(choices: Choices, action: str, start: Start) -> int:
    """Refuse what cannot be made, before it waits for its turn; return how many pictures it makes.

    Args:
        choices: what the page asks for; see `with_base`.
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
        _task(choices, start).check()
    elif start.picture is not None and VARIATIONS[action].enlarges:
        upscalers.find(choices.upscaler)
        variation, small = VARIATIONS[action], choices.size is not None
        # It must not become too large.
        variations.enlarging(start.picture, variation, choices.settings, may_stay_small=small)
        if not is_diffused(variation, start.picture.size):
            return 1
    return choices.image_number


def job_for(
    choices: Choices,
    action: str,
    start: Start,
    output: outputs.Output | None,
) -> Job:
    """Return the job that the page asks for.

    Args:
        choices: what the page asks for; see `with_base`.
        action: one of ``variations``.
        start: what it starts from.
        output: where the pictures go, and which is the first to be made; None to leave that to the
            webui's settings.

    Raises:
        RequestError: something that it names does not exist on this machine any more.
    """
    _check_names(choices)
    job = Job(
        prompt=choices.prompt,
        negative_prompt=choices.negative_prompt,
        settings=choices.settings,
        image_number=choices.image_number,
        seed=-1 if choices.seed is None else choices.seed,
        base_model=choices.base_model,
        loras=choices.loras,
        request=request_for(choices),
        options=_options(choices),
        output=output,
    )
    if action == EDIT:  # the part that is made anew has a size of its own
        settings = choices.settings.replace(aspect_ratio=HOST_CHOICE).keeping("aspect_ratio")
        return replace(job, edited=_task(choices, start), settings=settings)
    if start.picture is None:
        return job
    varied = variations.varied(
        job,
        _variation(choices, action),
        start.picture,
        size=choices.size,
        upscaler=choices.upscaler,
        switch_step=choices.switch_step,
    )
    # Where it is sampled, as many steps as asked for, as Fooocus does; else no model has a part in it.
    options = {**job.options, "img2img_fix_steps": True} if varied.diffuses else {}
    return replace(varied, options=options)


def _options(choices: Choices) -> dict[str, Any]:
    options: dict[str, Any] = {vae.OPTION: choices.vae} if choices.vae else {}
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
        options = {"CLIP_stop_at_last_layers": 1, CLIP_SKIP_ACTS: False}
    else:
        options = {"CLIP_stop_at_last_layers": skip, CLIP_SKIP_ACTS: True}
    return {name: value for name, value in options.items() if hasattr(shared.opts, name)}


def _task(choices: Choices, start: Start) -> Task:
    if choices.edit is None or start.picture is None:
        raise RequestError("Input image: choose a picture first, or untick Input image.")
    edit = choices.edit
    if start.mask is None and not (edit.outpaints or edit.mask_invert):
        sides = ", or choose sides at which it is to go on" if edit.mode == INPAINT else ""
        raise RequestError(f"Input image: mark in the picture what is to be made anew{sides}.")
    masks = () if start.mask is None else (start.mask,)
    size = choices.size
    side = checkpoints.side(choices.base_model) if size is None else rounded_side(size)
    return Task(edit, start.picture, masks, side, choices.upscaler)


def _variation(choices: Choices, action: str) -> Variation:
    """Return what becomes of a picture; the input picture's strength may be forced."""
    variation, forced = VARIATIONS[action], choices.forced_strength
    return replace(variation, denoising=forced) if forced and variation.denoising else variation


def _check_names(choices: Choices) -> None:
    """Refuse what the host would replace by something else, or leave out, without a word."""
    known = (
        ("Sampler", choices.sampler, list(sd_samplers.all_samplers_map)),
        ("Schedule type", choices.scheduler or None, assets.scheduler_labels()),
        ("VAE", choices.vae, [vae.AUTOMATIC, vae.NONE, *assets.installed().vaes]),
        *(("LoRA", name, assets.lora_names()) for name, _weight in choices.loras),
    )
    for label, value, names in known:
        if value is not None and value not in names:
            allowed = ", ".join(f'"{name}"' for name in names) or "none, because none is installed"
            raise RequestError(
                f'{label}: there is no "{value}"{did_you_mean(value, names)}; allowed: {allowed}.'
            )

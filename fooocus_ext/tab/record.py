"""What the log records of a picture that the tab has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fooocus_ext import __version__
from fooocus_ext.args import FOOOCUS, NONE, Settings
from fooocus_ext.generation.plan import lora_tags
from fooocus_ext.metadata.settings import OWN_NAME, PictureSettings, of_arguments
from fooocus_ext.presets.file_names import ENDINGS, file_path
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.presets.samplers import fooocus_names
from fooocus_ext.prompting.comments import NO_COMMENTS, Signs, strip_comments
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.overruled import is_lora_of


def settings_used(
    choices: Choices,
    *,
    seed: int,
    steps: int,
    size: tuple[int, int],
    full_prompt: Sequence[str],
    full_negative_prompt: Sequence[str],
    expansion: str = "",
    comments: Signs = NO_COMMENTS,
) -> PictureSettings:
    """Return the settings of one picture of a job, named as Fooocus does: it takes them from its log.

    What the performance forces is given as it was used, not as the page has it. A picture that was
    Fooocus's before has its styles by the names that they have there.

    Args:
        choices: what the page asked for, with the title of the checkpoint that was used.
        seed: this picture's.
        steps: sampling steps.
        size: (width, height) in pixels.
        full_prompt: the texts that were encoded, styles and expansion included.
        full_negative_prompt: likewise.
        expansion: the expansion among them; empty for none.
        comments: what begins one on the host; a LoRA that the prompt names there is none.
    """
    mode = PERFORMANCES.get(choices.settings.performance)
    settings = choices.settings.replace(**(mode.settings if mode else {}))
    sampler, scheduler = fooocus_names(
        choices.sampler, choices.scheduler, as_fooocus=settings.rendering == FOOOCUS
    )
    guidance_scale: float | None = choices.guidance_scale
    if mode is not None and mode.distilled:
        sampler, scheduler, guidance_scale = mode.sampler, mode.scheduler, mode.cfg_scale
    original = settings.original_texts
    loras = loras_used(choices, comments)
    return PictureSettings(
        **{
            **of_arguments(settings),
            "styles": original.styles if original and original.styles else settings.styles,
            "prompt": choices.prompt,
            "negative_prompt": choices.negative_prompt,
            "steps": steps,
            "size": size,
            "guidance_scale": guidance_scale,
            "base_model": _file_of(choices.base_model),
            "refiner": _file_of(settings.refiner),
            **_switch(choices, settings, steps),
            "wildcards_in_order": choices.wildcards_in_order or None,
            "sampler": sampler or choices.sampler,
            "scheduler": scheduler or choices.scheduler,
            "clip_skip": choices.clip_skip if settings.rendering == FOOOCUS else None,
            "vae": choices.vae or MODEL_OF_CHECKPOINT,
            "seed": seed,
            "loras": tuple((_lora_file(name), weight) for name, weight in loras),
            "full_prompt": tuple(full_prompt),
            "full_negative_prompt": tuple(full_negative_prompt),
            "prompt_expansion": expansion or None,
            "version": f"{OWN_NAME} {__version__}",
        }
    )


def loras_used(choices: Choices, comments: Signs) -> list[tuple[str, float]]:
    """Return the LoRAs beside the prompt's own, with the weights that they had: see ``plan.with_loras``."""
    prompt = strip_comments(choices.prompt, comments)
    mode = PERFORMANCES[choices.settings.performance]
    of_mode = [(mode.lora, mode.lora_weight)] if mode.lora else []
    slots = [lora for lora in choices.loras if not is_lora_of(mode, lora[0])]
    return [*(lora for lora in slots if lora_tags([lora], prompt)), *of_mode]


def settings_of_unsampled(size: tuple[int, int]) -> PictureSettings:
    """Return the settings of a picture that was enlarged and not sampled: no others had a part in it.

    Args:
        size: (width, height) in pixels.
    """
    return PictureSettings(size=size, version=f"{OWN_NAME} {__version__}")


def _switch(choices: Choices, settings: Settings, steps: int) -> dict[str, Any]:
    """Return what there is to say of the refiner's turn: nothing where there is no refiner."""
    if settings.refiner == NONE:
        return {"refiner_switch": None, "refiner_method": None}
    if choices.switch_step is not None:
        return {"refiner_switch": None, "overwrite_switch": choices.switch_step}
    return {"overwrite_switch": _switch_step(settings, steps)}


def _file_of(name: str) -> str:
    """Return a model's file without its folder, which is of this machine alone."""
    return file_path(name).rpartition("/")[2]


def _lora_file(name: str) -> str:
    """Return a LoRA's file without its folder, and with the likely ending: the host shows none."""
    file = _file_of(name)
    return file if file.casefold().endswith(ENDINGS) else file + ENDINGS[0]


def _switch_step(settings: Settings, steps: int) -> int | None:
    """Return the step of the refiner's switch, since Fooocus reckons the share of other steps."""
    step = round(steps * settings.refiner_switch)
    return step if settings.rendering == FOOOCUS and step > 0 else None

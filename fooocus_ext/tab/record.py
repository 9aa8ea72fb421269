"""What the log records of a picture that the tab has made."""

from __future__ import annotations

import re
from typing import Any

from fooocus_ext import __version__
from fooocus_ext.args import NONE, Settings
from fooocus_ext.metadata.settings import OWN_NAME, PictureSettings, of_arguments
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.presets.samplers import fooocus_names
from fooocus_ext.tab.choices import Choices


def settings_used(
    choices: Choices,
    *,
    base_model: str,
    seed: int,
    steps: int,
    size: tuple[int, int],
    full_prompt: str,
    full_negative_prompt: str,
) -> PictureSettings:
    """Return the settings of one picture of a job, models and samplers named as Fooocus does.

    What the performance forces is given as it was used, not as the page has it.

    Args:
        choices: what the page asked for.
        base_model: the title of the checkpoint that was used.
        seed: this picture's.
        steps: sampling steps.
        size: (width, height) in pixels.
        full_prompt: the text that was encoded, styles and expansion included.
        full_negative_prompt: likewise.
    """
    mode = PERFORMANCES.get(choices.settings.performance)
    settings = choices.settings.replace(**(mode.settings if mode else {}))
    sampler, scheduler = fooocus_names(choices.sampler, choices.scheduler or None)
    guidance_scale: float | None = choices.guidance_scale
    if mode is not None and mode.distilled:
        sampler, scheduler, guidance_scale = mode.sampler, mode.scheduler, mode.cfg_scale
    return PictureSettings(
        **{
            **of_arguments(settings),
            "prompt": choices.prompt,
            "negative_prompt": choices.negative_prompt,
            "steps": steps,
            "size": size,
            "guidance_scale": guidance_scale,
            "base_model": _stem(base_model),
            "refiner": _stem(settings.refiner),
            **_switch(choices, settings),
            "wildcards_in_order": choices.wildcards_in_order or None,
            "sampler": sampler or choices.sampler,
            "scheduler": scheduler or choices.scheduler,
            "vae": choices.vae or MODEL_OF_CHECKPOINT,
            "seed": seed,
            "loras": choices.loras,
            "full_prompt": (full_prompt,),
            "full_negative_prompt": (full_negative_prompt,),
            "version": f"{OWN_NAME} {__version__}",
        }
    )


def _switch(choices: Choices, settings: Settings) -> dict[str, Any]:
    """Return what there is to say of the refiner's turn: nothing where there is no refiner."""
    if settings.refiner == NONE:
        return {"refiner_switch": None, "refiner_method": None}
    if choices.switch_step is not None:
        return {"refiner_switch": None, "overwrite_switch": choices.switch_step}
    return {}


def _stem(title: str) -> str:
    bare = title.rpartition(" [")[0] if title.endswith("]") else title
    return re.sub(r"\.(safetensors|ckpt)$", "", bare.replace("\\", "/").rsplit("/", 1)[-1])

"""What the page asks for, as a preset file says it: the reverse of filling the page from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from fooocus_ext.args import FOOOCUS, NONE
from fooocus_ext.limits import OFF
from fooocus_ext.presets.aspect_ratios import AspectRatio
from fooocus_ext.presets.file_names import file_path
from fooocus_ext.presets.preset import LoraSlot, Preset, preset_from_settings
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.presets.samplers import fooocus_names
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.widgets import ARGUMENTS, BY_NAME, DEFAULTS, RENDERING

_NOT_STORED = ("same_seed", RENDERING.name, "metadata", "wildcards_in_order", "image_grid")
"""The widgets that a preset has no key for, and whose values are told if they are not the usual ones."""


def preset_of(
    name: str,
    choices: Choices,
    *,
    with_prompts: bool,
    lora_files: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Preset, list[str]]:
    """Return the page's settings as a preset, and sentences about what a preset cannot say.

    Seed, output format, upscaler, Private and the input image belong to no preset.

    Args:
        name: the preset's.
        choices: what the page asks for.
        with_prompts: whether prompt and negative prompt are settings, too.
        lora_files: the LoRAs' files by the host's names, with their folders; Fooocus knows no others.
    """
    notes = []
    values: dict[str, Any] = {
        "base_model": file_path(choices.base_model) if choices.base_model else None,
        "loras": tuple(
            LoraSlot(True, lora_files.get(lora, lora), weight) for lora, weight in choices.loras
        ),
        "cfg_scale": choices.guidance_scale,
        "vae": choices.vae or MODEL_OF_CHECKPOINT,
        "steps": choices.steps or OFF,
        "switch_step": OFF if choices.switch_step is None else choices.switch_step,
        "image_number": choices.image_number,
        "clip_skip": choices.clip_skip,
        "size": AspectRatio(*choices.size) if choices.size else None,
    }
    sampler, scheduler = fooocus_names(
        choices.sampler, choices.scheduler, as_fooocus=choices.settings.rendering == FOOOCUS
    )
    if sampler and scheduler:
        values.update(sampler=sampler, scheduler=scheduler)
    else:
        named = " ".join(part for part in (choices.sampler, choices.scheduler) if part)
        notes.append(f"The sampler {named} is not stored: presets know Fooocus's samplers only.")
    if others := ", ".join(_others(choices)):
        notes.append(f"Not stored, because presets know no such settings: {others}.")
    if choices.switch_step is not None:
        values["refiner_switch"] = None  # it would be what the step comes to under these steps
    if with_prompts:
        values.update(prompt=choices.prompt, negative_prompt=choices.negative_prompt)
    settings = choices.settings
    if settings.refiner != NONE:
        settings = settings.replace(refiner=file_path(settings.refiner))
    return preset_from_settings(name, settings, **values), notes


def _others(choices: Choices) -> Iterator[str]:
    """Yield what a preset has no key for, if it is not as usual."""
    for name in _NOT_STORED:
        value = getattr(choices.settings if name in ARGUMENTS else choices, name)
        if value != DEFAULTS[name]:
            yield BY_NAME[name].label + ("" if value is True else f' "{value}"')

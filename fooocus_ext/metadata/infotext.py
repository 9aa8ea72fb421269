"""The settings of a picture out of a webui's infotext, ours or one made without the extension."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from fooocus_ext import infotext
from fooocus_ext.args import NONE, Settings
from fooocus_ext.metadata.settings import PictureSettings, of_arguments
from fooocus_ext.presets.performance import file_stem
from fooocus_ext.presets.preset import Preset
from fooocus_ext.prompting.styles import EXPANSION_STYLE, wants_expansion

_LORA_TAG = re.compile(r"<lora:([^:<>]{1,300}):([-+]?(?:\d{1,9}(?:\.\d{1,20})?|\.\d{1,20}))>")


def from_infotext(
    entries: Mapping[str, Any], presets: Mapping[str, Preset] | None = None
) -> PictureSettings:
    """Return what the host's parser found in an infotext.

    The infotext does not repeat what a preset decided, so the one that it names is looked up in
    ``presets``; if it is not there, a sentence among the ``problems`` says so. A picture made without
    the extension states none of its arguments.
    """
    settings = Settings().replace(**infotext.field_values(entries))
    preset = (presets or {}).get(settings.preset)
    if preset is not None:
        settings = settings.with_preset(preset.settings)
    styles = list(settings.styles)
    if settings.enabled and settings.expansion and not wants_expansion(styles):
        styles.insert(0, EXPANSION_STYLE)
    of_ours = of_arguments(settings) if settings.enabled else {}
    prompt = str(entries.get("Prompt", ""))
    return PictureSettings(
        **{
            **of_ours,
            "styles": tuple(styles),
            "prompt": _without_lora_tags(prompt),
            "negative_prompt": str(entries.get("Negative prompt", "")),
            "loras": _loras_of(prompt, preset),
            "sampler": entries.get("Sampler"),
            "scheduler": entries.get("Schedule type"),
            "base_model": entries.get("Model"),
            "vae": entries.get("VAE"),
            "steps": _whole(entries.get("Steps")),
            "seed": _whole(entries.get("Seed")),
            "guidance_scale": _number(entries.get("CFG scale")),
            "size": _size_of(entries),
            "problems": _problems(settings.preset, preset),
        }
    )


def _without_lora_tags(prompt: str) -> str:
    """Return a prompt without its LoRAs' tags, each with the blanks before it."""
    *before_tags, last = _LORA_TAG.split(prompt)[:: _LORA_TAG.groups + 1]
    return "".join([*(text.rstrip() for text in before_tags), last])


def _loras_of(prompt: str, preset: Preset | None) -> tuple[tuple[str, float], ...]:
    """Return the LoRAs of a typed prompt's tags, and before them the preset's others."""
    tagged = [(name, float(weight)) for name, weight in _LORA_TAG.findall(prompt)]
    named = {file_stem(name) for name, _weight in tagged}
    slots = preset.active_loras if preset else ()
    untagged = [(slot.name, slot.weight) for slot in slots if file_stem(slot.name) not in named]
    return (*untagged, *tagged)


def _size_of(entries: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = _whole(entries.get("Size-1")), _whole(entries.get("Size-2"))
    return (width, height) if width and height else None


def _problems(named: str, preset: Preset | None) -> tuple[str, ...]:
    if preset is not None or named == NONE:
        return ()
    return (f'The preset "{named}" does not exist here; its values are left out.',)


def _whole(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"\d{1,20}", str(value)) else None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None

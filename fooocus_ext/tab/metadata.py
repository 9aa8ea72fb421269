"""The settings of one picture in the keys of Fooocus's metadata: from the tab, and from an infotext."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fooocus_ext import __version__, infotext
from fooocus_ext.args import (
    NONE,
    Settings,
)
from fooocus_ext.presets.performance import file_stem, find_performance
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.samplers import fooocus_names
from fooocus_ext.prompting.styles import EXPANSION_STYLE, wants_expansion
from fooocus_ext.tab.choices import Choices

_LORA_TAG = re.compile(r"\s*<lora:([^:<>]+):([-+]?\d*\.?\d+)>")
ADM = ("adm_positive", "adm_negative", "adm_end")


def metadata_of(
    choices: Choices,
    *,
    base_model: str,
    seed: int,
    steps: int,
    size: tuple[int, int],
    full_prompt: str,
    full_negative_prompt: str,
) -> dict[str, Any]:
    """Return the settings of a picture in the keys and forms of Fooocus's own metadata.

    What the performance forces stands there as it was used, not as the page has it.
    """
    mode = find_performance(choices.settings.performance)
    settings = choices.settings.replace(**(mode.settings if mode else {}))
    sampler, scheduler = fooocus_names(choices.sampler, choices.scheduler or None)
    guidance_scale = choices.guidance_scale
    if mode is not None and mode.distilled:
        sampler, scheduler, guidance_scale = mode.sampler, mode.scheduler, mode.cfg_scale
    metadata: dict[str, Any] = {
        "prompt": choices.prompt,
        "negative_prompt": choices.negative_prompt,
        "styles": str(list(settings.styles)),
        "performance": settings.performance,
        "steps": steps,
        "resolution": str(tuple(size)),
        "guidance_scale": guidance_scale,
        "sharpness": settings.sharpness,
        "adm_guidance": str(tuple(getattr(settings, name) for name in ADM)),
        "adaptive_cfg": settings.adaptive_cfg,
        "base_model": _stem(base_model),
        "refiner_model": _stem(settings.refiner),
        "refiner_switch": settings.refiner_switch,
        "refiner_swap_method": settings.refiner_method,
        "sampler": sampler or choices.sampler,
        "scheduler": scheduler or choices.scheduler,
        "vae": choices.vae or "Default (model)",
        "seed": str(seed),
        "loras": [list(entry) for entry in choices.loras],
        "full_prompt": [full_prompt],
        "full_negative_prompt": [full_negative_prompt],
        "metadata_scheme": "fooocus",
        "version": f"sd-webui-fooocus {__version__}",
    }
    for number, (name, weight) in enumerate(choices.loras, start=1):
        metadata[f"lora_combined_{number}"] = f"{name} : {weight:g}"
    return metadata


def _stem(title: str) -> str:
    bare = title.rpartition(" [")[0] if title.endswith("]") else title
    return re.sub(r"\.(safetensors|ckpt)$", "", bare.replace("\\", "/").rsplit("/", 1)[-1])


def metadata_from_infotext(
    entries: Mapping[str, Any], presets: Mapping[str, Preset] | None = None
) -> dict[str, Any]:
    """Return what the host's parser found in an infotext, in the keys of Fooocus's metadata.

    The tab's widgets hold what a preset decides, so the one that the infotext names is looked up in
    ``presets``; one that is not there is among the ``problems``.
    """
    settings, ours = _settings_of(entries)
    preset = (presets or {}).get(settings.preset)
    if preset is not None:
        settings = settings.with_preset(preset.settings)
    styles = list(settings.styles)
    if ours and settings.expansion and not wants_expansion(styles):
        styles.insert(0, EXPANSION_STYLE)
    prompt = str(entries.get("Prompt", ""))
    found: dict[str, Any] = {
        "prompt": _LORA_TAG.sub("", prompt),
        "negative_prompt": str(entries.get("Negative prompt", "")),
        "styles": styles,
        "loras": _loras_of(prompt, preset),
        "sampler": entries.get("Sampler"),
        "scheduler": entries.get("Schedule type"),
        "base_model": entries.get("Model"),
        "vae": entries.get("VAE"),
        "steps": _number(entries.get("Steps")),
        "seed": _number(entries.get("Seed")),
        "guidance_scale": _number(entries.get("CFG scale")),
    }
    size = (_number(entries.get("Size-1")), _number(entries.get("Size-2")))
    if all(size):
        found["resolution"] = tuple(int(side or 0) for side in size)
    if ours:
        found.update(
            {name: getattr(settings, name) for name in ("sharpness", "adaptive_cfg", "performance")}
        )
        found["adm_guidance"] = tuple(getattr(settings, name) for name in ADM)
        found["refiner_model"] = settings.refiner
        found["refiner_switch"] = settings.refiner_switch
        found["refiner_swap_method"] = settings.refiner_method
    if preset is None and settings.preset != NONE:
        sentence = f'The preset "{settings.preset}" does not exist here; its values are left out.'
        found["problems"] = [sentence]
    return {name: value for name, value in found.items() if value is not None}


def _settings_of(entries: Mapping[str, Any]) -> tuple[Settings, bool]:
    """Return the settings in an infotext, and whether it is of a picture made with Fooocus."""
    values = infotext.field_values(entries)
    return Settings().replace(**values), bool(values["enabled"])


def _loras_of(prompt: str, preset: Preset | None) -> list[tuple[str, float]]:
    """Return the LoRAs of a typed prompt's tags, and before them the preset's others."""
    tagged = [(name, float(weight)) for name, weight in _LORA_TAG.findall(prompt)]
    named = {file_stem(name) for name, _weight in tagged}
    slots = preset.active_loras if preset else ()
    return [*((s.name, s.weight) for s in slots if file_stem(s.name) not in named), *tagged]


def _number(value: object) -> float | int | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(str(value)) if re.fullmatch(r"\d+", str(value)) else number

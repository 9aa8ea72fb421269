"""What a preset puts into the tab's widgets on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.resolve import Resolution
from fooocus_ext.presets.samplers import host_sampler
from fooocus_ext.prompting.styles import SPECIAL_STYLES, StyleLibrary, special_style
from fooocus_ext.tab.choices import DEFAULT, LORA_SLOTS, style_value


@dataclass(frozen=True)
class Filled:
    """New values for some of the widgets, by name, and sentences about what could not be had."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


_SAME = (
    "refiner_switch",
    "refiner_method",
    "sharpness",
    "adaptive_cfg",
    "adm_positive",
    "adm_negative",
    "adm_end",
    "performance",
    "image_number",
    "steps",
)


def fill_from_preset(
    preset: Preset,
    found: Resolution,
    styles: StyleLibrary,
    samplers: Sequence[str],
    schedulers: Sequence[str],
) -> Filled:
    """Return the widgets' values for a preset; what it does not determine stays as it is.

    Args:
        preset: the preset.
        found: its files, looked up on this machine.
        styles: the styles there are; others are left out with a note.
        samplers: the host's sampler names.
        schedulers: the labels of its schedule types.
    """
    notes = [*found.problems, *found.notes]
    values: dict[str, Any] = {
        name: value for name in _SAME if (value := getattr(preset, name)) is not None
    }
    renamed = {
        "guidance_scale": preset.cfg_scale,
        "base_model": found.checkpoint or None,
        "refiner": found.refiner,
        "prompt": preset.prompt or None,
        "negative_prompt": preset.negative_prompt,
    }
    values.update({name: value for name, value in renamed.items() if value is not None})
    if preset.aspect_ratio is not None:
        values["aspect_ratio"] = ASPECT_RATIOS[preset.aspect_ratio].label
    if preset.loras is not None:
        values.update(lora_values(found.loras))
    if preset.vae is not None:
        values["vae"] = found.vae or DEFAULT
    if preset.styles is not None:
        known, unknown = known_styles(preset.styles, styles)
        values["styles"] = style_value(known)
        notes += [f"The style {name} does not exist here and is left out." for name in unknown]
    if preset.sampler or preset.scheduler:
        values.update(_sampler(preset, samplers, schedulers, notes))
    return Filled(values, tuple(notes))


def lora_values(loras: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Return the LoRA slots' values; slots that are not needed are emptied."""
    values: dict[str, Any] = {}
    padded = [*loras, *[(NONE, 1.0)] * LORA_SLOTS][:LORA_SLOTS]
    for slot, (name, weight) in enumerate(padded, start=1):
        values[f"lora_{slot}"], values[f"lora_weight_{slot}"] = name, weight
    return values


def known_styles(names: Sequence[str], library: StyleLibrary) -> tuple[list[str], list[str]]:
    """Return the styles that exist, spelled as the library does, and those that do not."""
    known, unknown = [], []
    for name in names:
        special = special_style(name)
        if special is not None:
            known.append(special)
        elif name in library:
            known.append(library.get(name).name)
        else:
            unknown.append(name)
    return known, unknown


def _sampler(
    preset: Preset, samplers: Sequence[str], schedulers: Sequence[str], notes: list[str]
) -> dict[str, Any]:
    try:
        chosen = host_sampler(
            preset.sampler or "dpmpp_2m_sde_gpu", preset.scheduler or "karras", samplers, schedulers
        )
    except RequestError as error:
        notes.append(f"{error.detail} The sampler stays as it is.")
        return {}
    notes.extend(chosen.notes)
    return {"sampler": chosen.sampler, "scheduler": chosen.scheduler or ""}


def grouped_styles(library: StyleLibrary) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the groups of the style list, each style with the text that is shown on hover."""
    special_help = (
        "A small language model continues the prompt with words that suit it.",
        "A style drawn for each picture.",
    )
    special = [
        {"name": name, "help": text}
        for name, text in zip(SPECIAL_STYLES, special_help, strict=True)
    ]
    groups = [("Special", special)]
    for group, styles in library.groups.items():
        groups.append((group, [{"name": s.name, "help": _style_help(s)} for s in styles]))
    return groups


def _style_help(style: Any) -> str:
    parts = [style.prompt, f"Not: {style.negative_prompt}" if style.negative_prompt else ""]
    return "\n".join(part for part in parts if part)

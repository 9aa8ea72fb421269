"""The settings of a picture out of a webui's infotext, ours or one made without the extension."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fooocus_ext import edit, infotext
from fooocus_ext.args import HOST_CHOICE, NONE, Settings
from fooocus_ext.limits import MAX_ITEMS
from fooocus_ext.metadata.settings import PictureSettings, of_arguments
from fooocus_ext.presets.file_names import file_stem
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.prompting.arrays import apply_arrays
from fooocus_ext.prompting.styles import EXPANSION_STYLE, wants_expansion

_PLAIN_PERFORMANCE = "Speed"
_LEFT_OVER = re.compile(
    r"Denoising strength|Hires (upscaler?|steps|prompt|negative prompt|sampler|schedule type|checkpoint"
    r"|CFG Scale)|Variation seed( strength)?|Face restoration|Tiling|ENSD|Eta|RNG|NGMS|Mask blur"
    r"|Rescale CFG|Distilled CFG Scale|Diffusion in Low Bits"
    r"|Token merging ratio( hr)?|Hypernet|Conditional mask weight|Script|ADetailer model"
    r"|(FreeU|ControlNet|Dynamic thresholding)( .{1,40})?"
)
"""Entries of the webui, and of well-known extensions, for which the tab has nothing."""
_MEANING_OF_ABSENT = {
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "RNG": "GPU",
}
"""What the host's parser adds to infotexts that do not state it."""
_MODULE = re.compile(r"Module \d{1,2}")
_COMMENT_OR_LORA_TAG = re.compile(
    r"#[^\n]*|<lora:(?P<name>[^:<>]{1,300}):(?P<weight>[-+]?(?:\d{1,9}(?:\.\d{1,20})?|\.\d{1,20}))>"
)


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
    of_ours = of_arguments(settings) if settings.enabled else _of_the_webui(entries)
    if settings.performance == HOST_CHOICE:  # nor had it a fast one, which forces its own sampler
        of_ours["performance"] = _PLAIN_PERFORMANCE
    prompt, modules = str(entries.get("Prompt", "")), _modules(entries)
    found = PictureSettings(
        **{
            **of_ours,
            "styles": tuple(styles),
            "prompt": _without_lora_tags(prompt),
            "negative_prompt": str(entries.get("Negative prompt", "")),
            "loras": _loras_of(prompt, preset),
            "sampler": entries.get("Sampler"),
            "scheduler": _scheduler_of(entries),
            "base_model": entries.get("Model"),
            "vae": entries.get("VAE") or _unstated_vae(settings, modules),
            "modules": modules,
            "steps": _whole(entries.get("Steps")),
            "wildcards_in_order": _wildcards_in_order(entries) if settings.enabled else None,
            "seed": _whole(entries.get("Seed")),
            "guidance_scale": _number(entries.get("CFG scale")),
            "size": _size_of(entries),
            "clip_skip": _clip_skip(entries),
            "others": {
                key: str(entries[key])[:60] for key in entries if _is_left_over(key, entries)
            },
            "problems": (
                *_problems(settings.preset, preset),
                *_unreadable(entries),
                *_too_many(prompt),
                *(_counted_by_picture(prompt, entries) if settings.enabled else ()),
            ),
        }
    )
    return found if settings.enabled else found.with_bare_embeddings()


def _lora_tags(prompt: str) -> list[re.Match[str]]:
    """Return the LoRAs' tags of a prompt; those in comments are not any, and stay where they are."""
    return [found for found in _COMMENT_OR_LORA_TAG.finditer(prompt) if found["name"]]


def _without_lora_tags(prompt: str) -> str:
    """Return a prompt without its LoRAs' tags, each with the blanks before it."""
    kept, end = [], 0
    for tag in _lora_tags(prompt):
        kept.append(prompt[end : tag.start()].rstrip())
        end = tag.end()
    return "".join([*kept, prompt[end:]])


def _loras_of(prompt: str, preset: Preset | None) -> tuple[tuple[str, float], ...]:
    """Return the LoRAs of a typed prompt's first tags, and before them the preset's others."""
    tagged = [(tag["name"], float(tag["weight"])) for tag in _lora_tags(prompt)[:MAX_ITEMS]]
    named = {file_stem(name) for name, _weight in tagged}
    slots = preset.active_loras if preset else ()
    untagged = [(slot.name, slot.weight) for slot in slots if file_stem(slot.name) not in named]
    return (*untagged, *tagged)


def _too_many(prompt: str) -> Iterator[str]:
    """Yield a sentence if a prompt names more LoRAs than are looked at."""
    count = len(_lora_tags(prompt))
    if count > MAX_ITEMS:
        yield f"Of {count} LoRAs in the prompt, the first {MAX_ITEMS} are read."


def _wildcards_in_order(entries: Mapping[str, Any]) -> bool:
    return entries.get(infotext.WILDCARDS_IN_ORDER) == "True"


def _modules(entries: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the files that Forge has added to the checkpoint, in its words without their ending.

    Forge's own parser repeats them in one entry, and there has A1111's "VAE", too.
    """
    numbered = [str(value) for key, value in entries.items() if _MODULE.fullmatch(key)]
    listed = entries.get("VAE/TE") or ()
    names = [*map(str, listed if isinstance(listed, list | tuple) else (listed,)), *numbered]
    return tuple({file_stem(name): name for name in reversed(names)}.values())[::-1]


def _unstated_vae(settings: Settings, modules: Sequence[str]) -> str | None:
    """Return what a picture of ours was decoded with if its infotext names no VAE."""
    return MODEL_OF_CHECKPOINT if settings.enabled and not modules else None


def _counted_by_picture(prompt: str, entries: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence where the pictures of a job have different words: an infotext is of any of them."""
    if apply_arrays(prompt, 0) != prompt:
        yield "The prompt has arrays: a job begins with their first values, whichever this picture had."
    if _wildcards_in_order(entries) and "__" in prompt:
        yield "Wildcards count in order: a job begins with the first of them, whichever this picture had."


def _size_of(entries: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = _whole(entries.get("Size-1")), _whole(entries.get("Size-2"))
    return (width, height) if width and height else None


def _of_the_webui(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a picture made without the extension says of our arguments.

    It had no refiner unless it names one.
    """
    return {
        "refiner": NONE,
        **_refiner_of(entries),
        "arguments": {"rendering": HOST_CHOICE},
    }


def _refiner_of(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the refiner of a picture that was made without the extension."""
    if not entries.get("Refiner"):
        return {}
    share = _number(entries.get("Refiner switch at"))
    return {
        "refiner": str(entries["Refiner"]),
        "refiner_switch": share if share is None or 0 <= share <= 1 else None,
    }


def _clip_skip(entries: Mapping[str, Any]) -> int | None:
    """Return the stated clip skip; the host's parser adds 1 to infotexts that state none."""
    layers = _whole(entries.get("Clip skip"))
    return layers if layers and layers > 1 else None


def _is_left_over(key: str, entries: Mapping[str, Any]) -> bool:
    """Whether an entry asks for something that the settings of a picture do not have."""
    value = entries[key]
    if value in ("", None) or str(value) == _MEANING_OF_ABSENT.get(key):
        return False
    if key == "Denoising strength" and edit.from_text(str(entries.get(edit.INFOTEXT, ""))):
        return False  # the edit's own
    return _LEFT_OVER.fullmatch(key) is not None


def _scheduler_of(entries: Mapping[str, Any]) -> str | None:
    """Return the schedule type; None for "Automatic", which the host's parser adds to old infotexts."""
    stated = [entries.get(key) for key in ("Schedule type", "Scheduler")]
    return next((str(name) for name in stated if name and name != "Automatic"), None)


def _problems(named: str, preset: Preset | None) -> tuple[str, ...]:
    if preset is not None or named == NONE:
        return ()
    return (f'The preset "{named}" does not exist here; its values are left out.',)


def _unreadable(entries: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value of ours, and each number, that is stated and cannot be taken over."""
    for key, read in _NUMBERS.items():
        stated = entries.get(key)
        if stated not in (None, "") and read(stated) is None:
            yield f'{key} is left out: "{str(stated)[:60]}" cannot be used.'
    for field in infotext.unreadable(entries):
        stated = str(entries[field.infotext])[:60]
        yield f'{field.infotext} is left out: "{stated}" cannot be used; allowed: {field.allowed}.'


def _whole(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"\d{1,20}", str(value)) else None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_NUMBERS = {"Steps": _whole, "Seed": _whole, "CFG scale": _number}

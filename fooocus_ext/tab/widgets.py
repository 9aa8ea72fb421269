"""The Fooocus tab's widgets: one table, from which the page, the reading and the filling derive.

Arguments of the extension that have no row of their own here become widgets by themselves, at the end
of the "Advanced" column: see ``ADDED``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from fooocus_ext import original_texts
from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.limits import (
    CFG_SCALE,
    CLIP_SKIP,
    FORCED_SIDE,
    FORCED_STEPS,
    IMAGE_NUMBER,
    LORA_SLOTS,
    LORA_WEIGHT,
    USUAL_CLIP_SKIP,
)
from fooocus_ext.metadata.settings import OTHER_FIELDS
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.readers import number, whole
from fooocus_ext.tab.edits import EDIT_WIDGETS
from fooocus_ext.tab.widget import (
    Widget,
    checkbox,
    dropdown,
    forced,
    of_argument,
    radio,
    slider,
    text_box,
)

FORMATS = ("png", "jpeg", "webp")
INFOTEXT, FOOOCUS_JSON, NO_METADATA = "webui", "Fooocus", "none"
METADATA = (INFOTEXT, FOOOCUS_JSON, NO_METADATA)
"""What settings the files of pictures carry: the webui's infotext, Fooocus's JSON, or none."""
DEFAULT = "Default"
AUTOMATIC = "Automatic"
SIZE_LABELS: Mapping[str, str] = {size.label: value for value, size in ASPECT_RATIOS.items()}
"""What the page shows for each picture size."""


class LoraWidgets(NamedTuple):
    """The names of the widgets of one LoRA: whether it is in use, which it is, and its weight."""

    on: str
    lora: str
    weight: str

    def values(self, lora: str, weight: float) -> dict[str, Any]:
        """Return the widgets' values for a LoRA in use."""
        return {self.on: True, self.lora: lora, self.weight: weight}


LORAS: tuple[LoraWidgets, ...] = tuple(
    LoraWidgets(f"lora_on_{number}", f"lora_{number}", f"lora_weight_{number}")
    for number in range(1, LORA_SLOTS + 1)
)


def _lora(place: int, slot: LoraWidgets) -> tuple[Widget, Widget, Widget]:
    read = number(*LORA_WEIGHT)
    title = f"LoRA weight {place}"
    return (
        checkbox(slot.on, "On", f"LoRA {place} on", default=True),
        dropdown(slot.lora, f"LoRA {place}", NONE, "lora"),
        slider(slot.weight, f"Weight {place}", 1.0, read, (-2, 2), step=0.01, title=title),
    )


_PLACED = (
    "refiner_switch",
    "sharpness",
    "adm_positive",
    "adm_negative",
    "adm_end",
    "adaptive_cfg",
    "refiner_method",
    "same_seed",
)
RENDERING = replace(of_argument(FIELDS_BY_NAME["rendering"]), default=FOOOCUS)
"""On this page pictures are Fooocus's unless the user says otherwise."""
ORIGINAL = of_argument(FIELDS_BY_NAME[original_texts.NAME])
"""The texts of a picture that was loaded: kept out of sight."""
ADDED: tuple[Widget, ...] = tuple(
    of_argument(field)
    for field in OTHER_FIELDS
    if field.name not in (*_PLACED, RENDERING.name, ORIGINAL.name)
)
"""The widgets of arguments that have no place of their own on the page."""
PRESET = dropdown("preset", "Preset", NONE)
"""The list of presets: no value of a request, so not among the ``WIDGETS``."""
WIDGETS: tuple[Widget, ...] = (
    text_box("prompt", "Prompt"),
    text_box("negative_prompt", "Negative prompt"),
    text_box("styles", "Selected styles", "[]"),
    radio("performance", "Performance", "Speed", PERFORMANCES),
    radio(
        "aspect_ratio",
        "Width × height in pixels",
        ASPECT_RATIOS[DEFAULT_ASPECT_RATIO].label,
        SIZE_LABELS,
        title="Aspect ratio",
    ),
    slider("image_number", "Image number", 2, whole(*IMAGE_NUMBER), IMAGE_NUMBER, step=1),
    radio("output_format", "Output format", "png", FORMATS),
    checkbox("random_seed", "Random", "Random seed", default=True),
    text_box("seed", "Seed", "0", limit=100),
    dropdown("base_model", "Base model", ""),
    dropdown("refiner", "Refiner", NONE),
    *(widget for place, slot in enumerate(LORAS, start=1) for widget in _lora(place, slot)),
    dropdown("vae", "VAE", DEFAULT),
    slider("guidance_scale", "Guidance scale", 4.0, number(*CFG_SCALE), CFG_SCALE, step=0.01),
    *(of_argument(FIELDS_BY_NAME[name]) for name in _PLACED),
    dropdown("sampler", "Sampler", "DPM++ 2M SDE"),
    dropdown("scheduler", "Schedule type", "Karras"),
    forced("steps", "Forced steps", FORCED_STEPS.maximum),
    forced("switch_step", "Forced refiner switch step", FORCED_STEPS.maximum),
    forced("width", "Forced width", FORCED_SIDE.maximum),
    forced("height", "Forced height", FORCED_SIDE.maximum),
    dropdown("upscaler", "Upscaler", AUTOMATIC),
    checkbox(
        "private",
        "Private: save no pictures and no log",
        "Private",
        default=False,
        tooltip="While it runs, its live preview can be seen by everybody who can reach the webui.",
    ),
    RENDERING,
    radio("metadata", "Settings in the files of pictures", INFOTEXT, METADATA),
    checkbox(
        "wildcards_in_order",
        "Wildcards in order",
        "Wildcards in order",
        default=False,
        tooltip="Picture by picture, wildcards take the next line of their file instead of any.",
    ),
    checkbox(
        "image_grid",
        "Image grid",
        "Image grid",
        default=False,
        tooltip="A job of two or more pictures gets one more, of all of them side by side.",
    ),
    slider(
        "clip_skip",
        "CLIP skip",
        USUAL_CLIP_SKIP,
        whole(*CLIP_SKIP),
        CLIP_SKIP,
        step=1,
        tooltip='With the rendering "Fooocus": from which layer of the text encoders the prompt\'s meaning '
        "is taken, counted from the last. SDXL is trained with 2.",
    ),
    ORIGINAL,
    *ADDED,
    *EDIT_WIDGETS,
)
BY_NAME: Mapping[str, Widget] = {widget.name: widget for widget in (*WIDGETS, PRESET)}
NAMES: tuple[str, ...] = tuple(widget.name for widget in WIDGETS)
"""The widgets in the order in which their values travel."""
DEFAULTS: Mapping[str, Any] = {widget.name: widget.default for widget in WIDGETS}
ARGUMENTS: tuple[str, ...] = (
    *_PLACED,
    RENDERING.name,
    ORIGINAL.name,
    *(widget.name for widget in ADDED),
)
"""The widgets whose value is an argument's, as it is."""

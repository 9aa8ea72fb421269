"""The Fooocus tab's widgets: one table, from which the page, the reading and the filling derive.

Arguments of the extension that have no row of their own here become widgets by themselves, at the end
of the "Advanced" column: see ``ADDED``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from fooocus_ext import fields, original_texts
from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.fields import Field
from fooocus_ext.limits import (
    CFG_SCALE,
    CLIP_SKIP,
    FORCED_SIDE,
    FORCED_STEPS,
    IMAGE_NUMBER,
    LORA_SLOTS,
    LORA_WEIGHT,
    MAX_TEXT_LENGTH,
    OFF,
    USUAL_CLIP_SKIP,
)
from fooocus_ext.metadata.settings import OTHER_FIELDS
from fooocus_ext.presets import readers
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.readers import Reader, number, one_of, text, whole

Kind = Literal["text", "flag", "slider", "whole", "radio", "list", "names"]
FORMATS = ("png", "jpeg", "webp")
INFOTEXT, FOOOCUS_JSON, NO_METADATA = "webui", "Fooocus", "none"
METADATA = (INFOTEXT, FOOOCUS_JSON, NO_METADATA)
"""What settings the files of pictures carry: the webui's infotext, Fooocus's JSON, or none."""
DEFAULT = "Default"
AUTOMATIC = "Automatic"
SIZE_LABELS: Mapping[str, str] = {size.label: value for value, size in ASPECT_RATIOS.items()}
"""What the page shows for each picture size."""


@dataclass(frozen=True)
class Widget:
    """One widget.

    Attributes:
        name: its name; the page's element is called ``fooocus_`` and this.
        kind: ``text`` a text box, ``flag`` a checkbox, ``slider`` a number within a range, ``whole`` a
            box for a whole number, ``radio`` one of ``choices``, ``list`` one of the names that the
            host lists, ``names`` several of ``choices``.
        label: what the page calls it.
        default: its value before anything else is known.
        read: checks what a browser sent, and converts it.
        title: what messages call it; empty if they use the label.
        minimum: of a slider, as are ``maximum`` and ``step``; ``read`` may accept more.
        maximum: see ``minimum``.
        step: see ``minimum``.
        choices: of a radio or of names.
        listed_as: the name of the host's list.
        tooltip: shown on hover, if there is anything to explain.
    """

    name: str
    kind: Kind
    label: str
    default: Any
    read: Reader
    title: str = ""
    minimum: float = 0.0
    maximum: float = 0.0
    step: float = 0.0
    choices: tuple[str, ...] = ()
    listed_as: str = ""
    tooltip: str | None = None


def _text(name: str, label: str, default: str = "", limit: int = MAX_TEXT_LENGTH) -> Widget:
    return Widget(name, "text", label, default, text(limit))


def _flag(
    name: str, label: str, title: str, *, default: bool, tooltip: str | None = None
) -> Widget:
    return Widget(name, "flag", label, default, readers.flag, title=title, tooltip=tooltip)


def _radio(
    name: str, label: str, default: str, choices: Collection[str], title: str = ""
) -> Widget:
    return Widget(
        name, "radio", label, default, one_of(choices), title=title, choices=tuple(choices)
    )


def _slider(
    name: str, label: str, default: float, read: Reader, shown: tuple[float, float], **more: Any
) -> Widget:
    return Widget(name, "slider", label, default, read, minimum=shown[0], maximum=shown[1], **more)


def _list(name: str, label: str, default: str, listed_as: str = "") -> Widget:
    """Return a dropdown; which of its names exist is found out when they are used."""
    return Widget(name, "list", label, default, _optional, listed_as=listed_as or name)


def _optional(value: object) -> str:
    return text(1000)(value if value is not None else "")


def _forced(name: str, label: str, largest: int) -> Widget:
    return Widget(name, "whole", label, OFF, whole(OFF, largest))


def _strength(name: str, label: str) -> Widget:
    tooltip = "How much of the picture is made anew. The fast upscale makes nothing anew."
    return _slider(name, label, 0.0, number(0, 1), (0, 1), step=0.01, tooltip=tooltip)


def _lora(slot: int) -> tuple[Widget, Widget, Widget]:
    read = number(*LORA_WEIGHT)
    title = f"LoRA weight {slot}"
    name, weight = f"lora_{slot}", f"lora_weight_{slot}"
    return (
        _flag(f"lora_on_{slot}", "On", f"LoRA {slot} on", default=True),
        _list(name, f"LoRA {slot}", NONE, "lora"),
        _slider(weight, f"Weight {slot}", 1.0, read, (-2, 2), step=0.01, title=title),
    )


def of_argument(field: Field) -> Widget:
    """Return the widget of an argument: everything about it is in the argument table."""
    return Widget(
        name=field.name,
        kind=_KINDS[field.kind],
        label=field.label,
        default=fields.as_widget_value(field.default),
        read=readers.of_field(field),
        minimum=field.minimum,
        maximum=field.maximum,
        step=field.step,
        choices=field.choices,
        tooltip=field.help,
    )


_KINDS: Mapping[fields.Kind, Kind] = {
    "flag": "flag",
    "number": "slider",
    "choice": "radio",
    "name": "text",
    "names": "names",
    "texts": "text",
}
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
PRESET = _list("preset", "Preset", NONE)
"""The list of presets: no value of a request, so not among the ``WIDGETS``."""
WIDGETS: tuple[Widget, ...] = (
    _text("prompt", "Prompt"),
    _text("negative_prompt", "Negative prompt"),
    _text("styles", "Selected styles", "[]"),
    _radio("performance", "Performance", "Speed", PERFORMANCES),
    _radio(
        "aspect_ratio",
        "Width × height in pixels",
        ASPECT_RATIOS[DEFAULT_ASPECT_RATIO].label,
        SIZE_LABELS,
        title="Aspect ratio",
    ),
    _slider("image_number", "Image number", 2, whole(*IMAGE_NUMBER), IMAGE_NUMBER, step=1),
    _radio("output_format", "Output format", "png", FORMATS),
    _flag("random_seed", "Random", "Random seed", default=True),
    _text("seed", "Seed", "0", limit=100),
    _list("base_model", "Base model", ""),
    _list("refiner", "Refiner", NONE),
    *(widget for slot in range(1, LORA_SLOTS + 1) for widget in _lora(slot)),
    _list("vae", "VAE", DEFAULT),
    _slider("guidance_scale", "Guidance scale", 4.0, number(*CFG_SCALE), CFG_SCALE, step=0.01),
    *(of_argument(FIELDS_BY_NAME[name]) for name in _PLACED),
    _list("sampler", "Sampler", "DPM++ 2M SDE"),
    _list("scheduler", "Schedule type", "Karras"),
    _forced("steps", "Forced steps", FORCED_STEPS.maximum),
    _forced("switch_step", "Forced refiner switch step", FORCED_STEPS.maximum),
    _forced("width", "Forced width", FORCED_SIDE.maximum),
    _forced("height", "Forced height", FORCED_SIDE.maximum),
    _list("upscaler", "Upscaler", AUTOMATIC),
    _strength("vary_strength", "Strength of Vary (0 = the button's)"),
    _strength("upscale_strength", "Strength of Upscale (0 = 0.382)"),
    _flag(
        "private",
        "Private: save no pictures and no log",
        "Private",
        default=False,
        tooltip="While it runs, its live preview can be seen by everybody who can reach the webui.",
    ),
    RENDERING,
    _radio("metadata", "Settings in the files of pictures", INFOTEXT, METADATA),
    _flag(
        "wildcards_in_order",
        "Wildcards in order",
        "Wildcards in order",
        default=False,
        tooltip="Picture by picture, wildcards take the next line of their file instead of any.",
    ),
    _flag(
        "image_grid",
        "Image grid",
        "Image grid",
        default=False,
        tooltip="A job of two or more pictures gets one more, of all of them side by side.",
    ),
    _slider(
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
LORAS: tuple[str, ...] = tuple(widget.name for widget in WIDGETS if widget.listed_as == "lora")

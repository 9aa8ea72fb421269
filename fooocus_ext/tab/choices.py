"""What the Fooocus tab's widgets hold: their names and defaults, and reading them as one request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, HOST_CHOICE, NONE, Settings
from fooocus_ext.data_files import DataFileError
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.readers import number, one_of, text, whole
from fooocus_ext.prompting.styles import wants_expansion

LORA_SLOTS = 5
MAX_IMAGES = 32
MAX_TEXT = 20_000
MAX_SEED = 2**63 - 1 - MAX_IMAGES
OFF = -1
FORMATS = ("png", "jpeg", "webp")
DEFAULT = "Default"
AUTOMATIC = "Automatic"
SIZE_LABELS: Mapping[str, str] = {size.label: value for value, size in ASPECT_RATIOS.items()}
_SHARED = ("refiner_switch", "sharpness", "adm_positive", "adm_negative", "adm_end", "adaptive_cfg")

DEFAULTS: Mapping[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "styles": "[]",
    "performance": "Speed",
    "aspect_ratio": ASPECT_RATIOS[DEFAULT_ASPECT_RATIO].label,
    "image_number": 2,
    "output_format": "png",
    "random_seed": True,
    "seed": "0",
    "base_model": "",
    "refiner": NONE,
    **{f"lora_{slot}": NONE for slot in range(1, LORA_SLOTS + 1)},
    **{f"lora_weight_{slot}": 1.0 for slot in range(1, LORA_SLOTS + 1)},
    "vae": DEFAULT,
    "guidance_scale": 4.0,
    **{name: FIELDS_BY_NAME[name].default for name in _SHARED},
    "refiner_method": FIELDS_BY_NAME["refiner_method"].default,
    "sampler": "DPM++ 2M SDE",
    "scheduler": "Karras",
    "steps": OFF,
    "width": OFF,
    "height": OFF,
    "upscaler": AUTOMATIC,
    "private": False,
}
NAMES: tuple[str, ...] = tuple(DEFAULTS)
"""The widgets in the order in which their values travel."""


@dataclass(frozen=True)
class Choices:
    """What the page asks for.

    Attributes:
        prompt: as typed; likewise ``negative_prompt``.
        settings: the extension's arguments; its aspect ratio is "webui" where a size is forced, and
            it keeps forced steps.
        image_number: pictures per job, 1..32.
        output_format: one of ``FORMATS``.
        seed: 0..2**63; None to draw one.
        base_model: a checkpoint title.
        loras: (name, weight) of the slots in use.
        guidance_scale: CFG scale, 1..30.
        sampler: the host's sampler name; likewise ``scheduler``, empty where there are none.
        vae: the host's VAE name; None to leave it to the webui's settings.
        steps: steps that replace the performance's, or None.
        size: (width, height) in pixels that replaces the aspect ratio's, or None.
        upscaler: the host's upscaler name; None for the best installed.
        private: whether nothing is written to disk.
    """

    prompt: str
    negative_prompt: str
    settings: Settings
    image_number: int
    output_format: str
    seed: int | None
    base_model: str
    loras: tuple[tuple[str, float], ...]
    guidance_scale: float
    sampler: str
    scheduler: str
    vae: str | None
    steps: int | None
    size: tuple[int, int] | None
    upscaler: str | None
    private: bool


def read_choices(values: Sequence[object]) -> Choices:
    """Read the widgets' values, given in the order of ``NAMES``.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    if len(values) != len(NAMES):
        raise RequestError(
            f"The page sent {len(values)} values instead of {len(NAMES)}; reload it."
        )
    given = dict(zip(NAMES, values, strict=True))
    checked = {name: _read(name, given[name]) for name in NAMES}
    size = _forced_size(checked)
    styles = style_names(checked["styles"])
    settings = Settings().replace(
        enabled=True,
        styles=styles,
        expansion=wants_expansion(styles),
        performance=checked["performance"],
        aspect_ratio=HOST_CHOICE if size else SIZE_LABELS[checked["aspect_ratio"]],
        refiner=checked["refiner"] or NONE,
        refiner_method=checked["refiner_method"],
        keep=[] if checked["steps"] == OFF else ["steps"],
        **{name: checked[name] for name in _SHARED},
    )
    return Choices(
        settings=settings,
        size=size,
        seed=None if checked["random_seed"] else _seed(checked["seed"]),
        loras=tuple(_loras(checked)),
        vae=None if checked["vae"] == DEFAULT else checked["vae"],
        steps=None if checked["steps"] == OFF else checked["steps"],
        upscaler=None if checked["upscaler"] == AUTOMATIC else checked["upscaler"],
        **{name: checked[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "prompt",
    "negative_prompt",
    "image_number",
    "output_format",
    "base_model",
    "guidance_scale",
    "sampler",
    "scheduler",
    "private",
)


def style_names(value: str) -> list[str]:
    """Read the hidden list of selected styles. Raises RequestError if it is not one."""
    try:
        names = json.loads(value or "[]")
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise RequestError(f"Styles: got {describe(value)}; allowed: a JSON list of names.")
    return list(dict.fromkeys(names))


def style_value(names: Sequence[str]) -> str:
    """Return the hidden list's text for selected styles."""
    return json.dumps(list(names), ensure_ascii=False)


def _loras(checked: Mapping[str, Any]) -> list[tuple[str, float]]:
    slots = [
        (checked[f"lora_{slot}"], checked[f"lora_weight_{slot}"])
        for slot in range(1, LORA_SLOTS + 1)
    ]
    return [(name, weight) for name, weight in slots if name not in ("", NONE) and weight]


def _forced_size(checked: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = checked["width"], checked["height"]
    if (width, height) == (OFF, OFF):
        return None
    shown = ASPECT_RATIOS[SIZE_LABELS[checked["aspect_ratio"]]]
    size = (shown.width if width == OFF else width, shown.height if height == OFF else height)
    for side, length in zip(("width", "height"), size, strict=True):
        if length % 8 or not 64 <= length <= 4096:
            raise RequestError(
                f"Forced {side}: got {length}; allowed: a multiple of 8 from 64 to 4096, or -1."
            )
    return size


def _seed(value: str) -> int:
    if re.fullmatch(r"\s*\d{1,19}\s*", value) and int(value) <= MAX_SEED:
        return int(value)
    raise RequestError(
        f"Seed: got {describe(value)}; allowed: a whole number from 0 to {MAX_SEED}."
    )


def _read(name: str, value: object) -> Any:
    try:
        return _READERS[name](value)
    except DataFileError as error:
        label = name.replace("_", " ").capitalize()
        raise RequestError(f"{label}: got {describe(value)}. {error}") from error


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise DataFileError("It must be on or off.")
    return value


def _optional(value: object) -> str:
    return text(1000)(value if value is not None else "")


def _of_field(name: str) -> Callable[[object], float]:
    field = FIELDS_BY_NAME[name]
    return number(field.minimum, field.maximum)


_READERS: Mapping[str, Callable[[object], Any]] = {
    "prompt": text(MAX_TEXT),
    "negative_prompt": text(MAX_TEXT),
    "styles": text(MAX_TEXT),
    "performance": one_of(PERFORMANCES),
    "aspect_ratio": one_of(SIZE_LABELS),
    "image_number": whole(1, MAX_IMAGES),
    "output_format": one_of(FORMATS),
    "random_seed": _flag,
    "seed": text(100),
    "base_model": _optional,
    "refiner": _optional,
    **{f"lora_{slot}": _optional for slot in range(1, LORA_SLOTS + 1)},
    **{f"lora_weight_{slot}": number(-10.0, 10.0) for slot in range(1, LORA_SLOTS + 1)},
    "vae": _optional,
    "guidance_scale": number(1.0, 30.0),
    **{name: _of_field(name) for name in _SHARED},
    "refiner_method": one_of(FIELDS_BY_NAME["refiner_method"].choices),
    "sampler": _optional,
    "scheduler": _optional,
    "steps": whole(-1, 200),
    "width": whole(-1, 4096),
    "height": whole(-1, 4096),
    "upscaler": _optional,
    "private": _flag,
}

"""The extension's arguments: one table, from which every other form of them derives.

``Settings`` is the table. Its fields, in order, are the panel's widgets, the positional API arguments,
the keys of the API dict, the X/Y/Z axes, the infotext keys and the JSON schema. Names, order, defaults
and ranges are a public contract: append, never move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooocus_ext.errors import RequestError, describe
from fooocus_ext.fields import (
    Field,
    as_json,
    checked_values,
    column,
    fields_of,
    object_schema,
)
from fooocus_ext.original_texts import OriginalTexts

TITLE = "Fooocus"
"""The script's title; in lower case, its key in the API."""
SCRIPT_KEY = TITLE.lower()
NONE = "None"
HOST_CHOICE = "webui"
PERFORMANCE_NAMES = (
    HOST_CHOICE,
    "Speed",
    "Quality",
    "Extreme Speed",
    "Lightning",
    "Hyper-SD",
)
REFINER_METHODS = ("joint", "separate", "vae")
FOOOCUS = "Fooocus"
RENDERINGS = (HOST_CHOICE, FOOOCUS)
KEEPABLE = (
    "steps",
    "cfg_scale",
    "sharpness",
    "adm_positive",
    "adm_negative",
    "adm_end",
    "adaptive_cfg",
    "refiner",
    "refiner_switch",
    "refiner_method",
    "expansion",
    "styles",
    "performance",
    "aspect_ratio",
    "sampler",
)
"""What ``keep`` may name: fields of the host's request, and those of ours that a preset decides."""


@dataclass(frozen=True)
class Settings:
    """One generation's settings; the defaults are Fooocus's."""

    enabled: bool = column(
        "flag", False, "Fooocus", "Fooocus", "Renders this picture the way Fooocus does."
    )
    sharpness: float = column(
        "number",
        2.0,
        "Sharpness",
        "Fooocus sharpness",
        "Keeps fine detail that guidance would blur away. 0 disables it; Fooocus uses 2.",
        minimum=0.0,
        maximum=30.0,
        step=0.01,
    )
    adm_positive: float = column(
        "number",
        1.5,
        "ADM positive",
        "Fooocus ADM positive",
        "Tells SDXL the image was this many times larger (positive prompt). 1 disables it.",
        minimum=0.1,
        maximum=3.0,
        step=0.01,
    )
    adm_negative: float = column(
        "number",
        0.8,
        "ADM negative",
        "Fooocus ADM negative",
        "Tells SDXL the image was this many times larger (negative prompt). 1 disables it.",
        minimum=0.1,
        maximum=3.0,
        step=0.01,
    )
    adm_end: float = column(
        "number",
        0.3,
        "ADM end",
        "Fooocus ADM end",
        "SDXL is told the true size after this fraction of the noise schedule. 0 means always.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    adaptive_cfg: float = column(
        "number",
        7.0,
        "Adaptive CFG",
        "Fooocus adaptive CFG",
        "A CFG scale above this starts here and rises to its full value during sampling.",
        minimum=1.0,
        maximum=30.0,
        step=0.01,
    )
    refiner: str = column(
        "name",
        NONE,
        "Refiner",
        "Fooocus refiner",
        "A second checkpoint that takes over during sampling.",
    )
    refiner_switch: float = column(
        "number",
        0.8,
        "Refiner switch at",
        "Fooocus refiner switch",
        "Fraction of the steps after which the refiner takes over. 1 means never.",
        minimum=0.1,
        maximum=1.0,
        step=0.01,
    )
    refiner_method: str = column(
        "choice",
        "joint",
        "Refiner method",
        "Fooocus refiner method",
        '"joint" keeps the sampler and its momentum; "separate" starts a new one; "vae" starts a new '
        "one with fresh noise.",
        choices=REFINER_METHODS,
    )
    expansion: bool = column(
        "flag",
        True,
        "Fooocus V2 prompt expansion",
        "Fooocus expansion",
        "A small language model adds words that suit the prompt.",
    )
    styles: tuple[str, ...] = column(
        "names", (), "Styles", "Fooocus styles", "Styles to apply to the prompt, in this order."
    )
    performance: str = column(
        "choice",
        HOST_CHOICE,
        "Performance",
        "Fooocus performance",
        "\"webui\" keeps the page's steps and sampler; the others are Fooocus's modes.",
        choices=PERFORMANCE_NAMES,
    )
    aspect_ratio: str = column(
        "name",
        HOST_CHOICE,
        "Aspect ratio",
        "Fooocus aspect ratio",
        '"webui" keeps the page\'s width and height; otherwise width*height, such as 1152*896.',
    )
    preset: str = column(
        "name",
        NONE,
        "Preset",
        "Fooocus preset",
        "A preset file. It sets every field that you leave at its default.",
    )
    keep: tuple[str, ...] = column(
        "names",
        (),
        "Keep",
        "Fooocus keep",
        "What the preset and performance must not change: the page's steps, CFG scale and sampler, or "
        "fields that should stay at their defaults.",
        choices=KEEPABLE,
    )
    rendering: str = column(
        "choice",
        HOST_CHOICE,
        "Rendering",
        "Fooocus rendering",
        '"Fooocus" makes the picture that Fooocus makes of these settings and this seed: its way to '
        'encode texts, its noise and its schedules. "webui" keeps the webui\'s.',
        choices=RENDERINGS,
    )
    original_texts: OriginalTexts | None = column(  # noqa: RUF009  (a call like the others)
        "texts",
        None,
        "Original texts",
        "Fooocus original texts",
        "The texts that a picture of Fooocus was made of: full_prompt, full_negative_prompt and "
        "prompt_expansion out of its JSON. They are encoded in place of the prompts.",
    )
    same_seed: bool = column(
        "flag",
        False,
        "Same seed",
        "Fooocus same seed",
        "All pictures of a job get the first one's seed; otherwise each gets the next.",
    )

    def is_open(self, name: str) -> bool:
        """Whether a preset decides the field ``name``: it has its default, which is not kept."""
        return getattr(self, name) == FIELDS_BY_NAME[name].default and name not in self.keep

    def with_preset(self, values: Mapping[str, object]) -> Settings:
        """Return a copy in which a preset's ``values`` fill the open fields."""
        return self.replace(**{name: value for name, value in values.items() if self.is_open(name)})

    def keeping(self, *names: str) -> Settings:
        """Return a copy that keeps ``names`` too."""
        return self.replace(keep=list(dict.fromkeys((*self.keep, *names))))

    def replace(self, /, **values: object) -> Settings:
        """Return a copy with checked ``values``. Raises RequestError for names or values."""
        return _build({**self.as_dict(), **values})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a plain dict in field order, ready for JSON."""
        return {field.name: as_json(getattr(self, field.name)) for field in FIELDS}


FIELDS: tuple[Field, ...] = fields_of(Settings)
FIELDS_BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}


def parse(slots: Sequence[object]) -> Settings:
    """Read what the host hands to a hook: positional values, or one dict in the first slot.

    The host fills the slots that a client left out with the widgets' defaults, so beside a dict
    every other slot must hold its default.

    Raises:
        RequestError: names every field that is wrong, its value and what is allowed.
    """
    if not slots:
        return Settings()
    if isinstance(slots[0], Mapping):
        _refuse_values_beside_a_dict(slots[1:])
        return _build(slots[0])
    if isinstance(slots[0], (list, tuple)):
        raise RequestError(
            f"args: got {describe(slots[0])} in the first place; allowed: one object with named "
            'values, as in "args": [{"enabled": true}], or the values themselves in widget order.'
        )
    return _build(dict(zip((field.name for field in FIELDS), slots)))  # noqa: B905  (fewer is legal)


def _refuse_values_beside_a_dict(slots: Sequence[object]) -> None:
    for field, value in zip(FIELDS[1:], slots):  # noqa: B905  (fewer is legal)
        if not field.is_default(value):
            raise RequestError(
                f"args: {field.name} is given by position as {describe(value)} beside an object; "
                "allowed: either one object with named values or positional values, not both."
            )


def _build(values: Mapping[str, object]) -> Settings:
    return Settings(**checked_values(values, FIELDS_BY_NAME, "a Fooocus argument"))


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the API dict (draft 2020-12)."""
    return object_schema(
        "Fooocus", "The one object in alwayson_scripts.Fooocus.args.", FIELDS_BY_NAME
    )

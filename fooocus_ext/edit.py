"""What becomes of a picture that is edited: a second table beside ``args.Settings``, and Fooocus's modes.

The pictures themselves, what is edited and its mask, are no part of it: they travel beside it. Names,
order, defaults and ranges are a public contract: append, never move.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.fields import Field, checked_values, column, fields_of, object_schema

INFOTEXT = "Fooocus edit"
"""The one infotext key: the edit as JSON, without the pictures."""
INPAINT, DETAIL, MODIFY, VARY, UPSCALE = "inpaint", "detail", "modify", "vary", "upscale"
AUTO = "auto"
"""Of ``engine``: the mode's own, if its files are there."""
FAST = "fast 2x"
ENGINES: Mapping[str, str] = {
    "v1": "inpaint.fooocus.patch",
    "v2.5": "inpaint_v25.fooocus.patch",
    "v2.6": "inpaint_v26.fooocus.patch",
}
"""Of ``engine``: the file of each of Fooocus's versions, best last."""
SCALES = ("1.5x", "2x", FAST)
"""How much larger a picture becomes; the fast way is an upscaler's alone, and makes nothing anew."""
SIDES = ("left", "right", "top", "bottom")
_TARGET = re.compile(r"([1-9]\d{0,4})(\*|:)([1-9]\d{0,4})")
_MASK = ("mask_invert", "mask_grow", "mask_threshold", "feather")
_AREA = (*_MASK, "strength", "field", "engine", "additional_prompt")
_OUTPAINT = (*(f"outpaint_{side}" for side in SIDES), "outpaint_to")


@dataclass(frozen=True)
class Mode:
    """What Fooocus does in one of its modes, unless the edit says otherwise.

    Attributes:
        label: as its list of methods says it.
        strength: how much is made anew, 0..1.
        field: the share of the picture that is looked at, 0..1.
        engine: whether the inpaint engine takes part.
        starts_empty: whether sampling starts with latents of zero in place of the picture's.
        uses: the fields that mean something; the others must have their defaults.
    """

    label: str
    strength: float
    field: float = 0.0
    engine: bool = False
    starts_empty: bool = False
    uses: tuple[str, ...] = _AREA

    @property
    def has_mask(self) -> bool:
        """Whether a part of the picture is made anew; otherwise all of it is."""
        return "mask_grow" in self.uses


MODES: Mapping[str, Mode] = {
    INPAINT: Mode("Inpaint or Outpaint", 1.0, 0.618, engine=True, uses=(*_AREA, *_OUTPAINT)),
    DETAIL: Mode("Improve Detail", 0.5),
    MODIFY: Mode("Modify Content", 1.0, engine=True, starts_empty=True),
    VARY: Mode("Vary", 0.5, uses=("strength",)),
    UPSCALE: Mode("Upscale", 0.382, uses=("strength", "scale")),
}


def _outpaint(side: str, of: str) -> Any:
    return column(
        "number",
        0.0,
        f"Outpaint {side}",
        f"outpaint_{side}",
        f"How much the picture grows at the {side}, as a share of its {of}. Fooocus uses 0.3.",
        minimum=0.0,
        maximum=4.0,
        step=0.05,
    )


@dataclass(frozen=True)
class Edit:
    """How a picture is edited; the defaults are Fooocus's."""

    mode: str = column(
        "choice",
        INPAINT,
        "Method",
        "mode",
        '"inpaint" makes the masked part anew or grows the picture, "detail" improves and "modify" '
        'replaces what is masked, "vary" and "upscale" take the whole picture.',
        choices=tuple(MODES),
    )
    mask_invert: bool = column(
        "flag", False, "Invert mask", "mask_invert", "Makes anew what is not masked."
    )
    mask_grow: int = column(
        "whole",
        0,
        "Grow or shrink mask",
        "mask_grow",
        "By how many pixels the mask grows, before it is inverted. Below 0 it shrinks.",
        minimum=-64,
        maximum=64,
        step=1,
    )
    mask_threshold: int = column(
        "whole",
        127,
        "Mask threshold",
        "mask_threshold",
        "Brighter pixels of an uploaded mask are masked, the others are not.",
        minimum=0,
        maximum=254,
        step=1,
    )
    feather: int = column(
        "whole",
        32,
        "Feather",
        "feather",
        "Over how many pixels outside the mask the new part fades into the picture. Fooocus uses 32.",
        minimum=0,
        maximum=128,
        step=1,
    )
    outpaint_left: float = _outpaint("left", "width")
    outpaint_right: float = _outpaint("right", "width")
    outpaint_top: float = _outpaint("top", "height")
    outpaint_bottom: float = _outpaint("bottom", "height")
    outpaint_to: str = column(
        "name",
        NONE,
        "Outpaint to",
        "outpaint_to",
        "The size (1920*1080, in pixels) or ratio (16:9) that the picture grows to, at both sides alike.",
    )
    strength: float | None = column(
        "number",
        None,
        "Strength",
        "strength",
        "How much is made anew (denoising strength). Inpaint and modify use 1, detail and vary 0.5, "
        "upscale 0.382; a strong variation 0.85.",
        minimum=0.01,
        maximum=1.0,
        step=0.01,
    )
    field: float | None = column(
        "number",
        None,
        "Field",
        "field",
        "How much of the picture around the mask is looked at: 0 the mask's surroundings alone, 1 all of "
        "it. Inpaint uses 0.618, outpainting 1, detail and modify 0.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    engine: str = column(
        "name",
        AUTO,
        "Inpaint engine",
        "engine",
        'Fooocus\'s engine: "auto" is the mode\'s own if its files are there, "None" none; "v1", "v2.5", '
        '"v2.6" or the name of a file in models/inpaint.',
    )
    additional_prompt: str = column(
        "text",
        "",
        "Additional prompt",
        "additional_prompt",
        "What is to be seen in the masked part; it stands before the prompt.",
    )
    scale: str = column(
        "choice",
        "1.5x",
        "Upscale by",
        "scale",
        "How much larger an upscaled picture becomes; the fast way makes nothing of it anew.",
        choices=SCALES,
    )

    @property
    def of_mode(self) -> Mode:
        """What the mode does by itself."""
        return MODES[self.mode]

    @property
    def outpaints(self) -> bool:
        """Whether the picture grows."""
        return self.outpaint_to != NONE or any(self.shares.values())

    @property
    def shares(self) -> dict[str, float]:
        """By which share of its width or height the picture grows, by side."""
        return {side: getattr(self, f"outpaint_{side}") for side in SIDES}

    @property
    def target_size(self) -> tuple[int, int] | None:
        """The (width, height) in pixels that the picture grows to, or None."""
        return self._target("*")

    @property
    def target_ratio(self) -> tuple[int, int] | None:
        """The ratio of width and height that the picture grows to, or None."""
        return self._target(":")

    def _target(self, sign: str) -> tuple[int, int] | None:
        found = _TARGET.fullmatch(self.outpaint_to)
        return (int(found[1]), int(found[3])) if found and found[2] == sign else None

    @property
    def strength_in_effect(self) -> float:
        """How much is made anew, 0..1: what is forced, 1 for outpainting, or the mode's."""
        if self.strength is not None:
            return self.strength
        return 1.0 if self.outpaints else self.of_mode.strength

    @property
    def field_in_effect(self) -> float:
        """The share of the picture that is looked at, 0..1; see ``strength_in_effect``."""
        if self.field is not None:
            return self.field
        return 1.0 if self.outpaints else self.of_mode.field

    @property
    def engine_in_effect(self) -> str:
        """An engine or file asked for, "None", or "auto": the newest engine whose files are there."""
        return NONE if self.engine == AUTO and not self.of_mode.engine else self.engine

    def as_dict(self) -> dict[str, Any]:
        """Return the edit as a plain dict in field order, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in FIELDS}

    def to_text(self) -> str:
        """Return the infotext's JSON: the mode, and every field that is not at its default."""
        changed = {f.name: getattr(self, f.name) for f in FIELDS[1:]}
        changed = {n: v for n, v in changed.items() if v != FIELDS_BY_NAME[n].default}
        return json.dumps({"mode": self.mode, **changed}, ensure_ascii=False)


FIELDS: tuple[Field, ...] = fields_of(Edit)
FIELDS_BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}


def from_dict(values: Mapping[str, object]) -> Edit:
    """Return the edit that a client asks for; what it leaves out has its default.

    Raises:
        RequestError: names every field that is wrong, its value and what is allowed; a field that the
            mode does not use is wrong unless it has its default.
    """
    edit = Edit(**checked_values(values, FIELDS_BY_NAME, "a field of an edit"))
    problems = [
        f"{field.name}: got {describe(getattr(edit, field.name))}; allowed in mode "
        f'"{edit.mode}": {json.dumps(field.default)}, as it is not used.'
        for field in FIELDS[1:]
        if field.name not in edit.of_mode.uses and getattr(edit, field.name) != field.default
    ]
    if edit.outpaint_to != NONE and any(edit.shares.values()):
        problems.append(
            f"outpaint_to: got {describe(edit.outpaint_to)} beside an amount at a side; allowed: one of "
            "them."
        )
    if edit.scale == FAST and edit.strength is not None:
        problems.append(
            f'strength: got {describe(edit.strength)}; allowed with scale "{FAST}": null, as nothing is '
            "made anew."
        )
    if edit.outpaint_to != NONE and _TARGET.fullmatch(edit.outpaint_to) is None:
        problems.append(
            f"outpaint_to: got {describe(edit.outpaint_to)}; allowed: a size such as 1920*1080, a ratio "
            f'such as 16:9, or "{NONE}".'
        )
    if problems:
        raise RequestError("Fooocus: " + " ".join(problems))
    return edit


def from_text(text: str) -> Edit | None:
    """Return the edit that an infotext states; None if that cannot be read."""
    try:
        values = json.loads(text)
        return from_dict(values) if isinstance(values, dict) else None
    except (ValueError, RecursionError, RequestError):
        return None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of an edit (draft 2020-12)."""
    return object_schema("Edit", "How a picture is edited, without the pictures.", FIELDS_BY_NAME)

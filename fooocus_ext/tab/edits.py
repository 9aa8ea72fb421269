"""The tab's "Input image": its widgets, and the edit or the variation that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.edit import (
    AUTO,
    ENGINES,
    FIELDS_BY_NAME,
    INPAINT,
    MODES,
    SIDES,
    Edit,
    from_dict,
)
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import OFF
from fooocus_ext.readers import number
from fooocus_ext.tab.variations import EDIT, GENERATE, VARIATIONS, variation_of
from fooocus_ext.tab.widget import Widget, checkbox, of_argument, or_off, radio, slider, text_box

SWITCH = "input_image"
"""The checkbox: whether Generate starts from the input picture."""
WHOLE, MASKED = "Upscale or Variation", "Inpaint or Outpaint"
_METHODS = {mode.label: name for name, mode in MODES.items() if mode.has_mask}
_WHOLE = {variation.label: key for key, variation in VARIATIONS.items()}
_ENGINES = (AUTO, NONE, *ENGINES)
_MASK = ("mask_invert", "mask_grow", "feather")
_FOOOCUS_SHARE, _LEAST_SHARE = 0.3, 0.05


def _forced_share(name: str, label: str, of: str) -> Widget:
    field = FIELDS_BY_NAME[of]
    shown = (OFF, field.maximum)
    read = or_off(number(OFF, field.maximum))
    return slider(name, label, OFF, read, shown, step=0.01, tooltip=field.help)


def _of_field(name: str) -> Widget:
    """Return the widget of an edit's field, under a name that no argument has."""
    return replace(of_argument(FIELDS_BY_NAME[name]), name=f"edit_{name}")


EDIT_WIDGETS: tuple[Widget, ...] = (
    checkbox(
        SWITCH,
        "Input image",
        "Input image",
        default=False,
        tooltip="Generate starts from a picture of yours instead of noise.",
    ),
    radio("edit_kind", "Work on the input image", WHOLE, (WHOLE, MASKED)),
    radio("edit_whole", "Upscale or Variation", next(iter(_WHOLE)), _WHOLE),
    radio("edit_method", "Method", MODES[INPAINT].label, _METHODS),
    *(checkbox(f"edit_{side}", side.title(), f"Outpaint {side}", default=False) for side in SIDES),
    slider(
        "edit_share",
        "Outpaint by this share of the side",
        _FOOOCUS_SHARE,
        number(_LEAST_SHARE, FIELDS_BY_NAME["outpaint_left"].maximum),
        (_LEAST_SHARE, 1),
        step=0.05,
    ),
    text_box(
        "edit_outpaint_to", "Outpaint to a size or ratio, such as 1920*1080 or 16:9", limit=30
    ),
    _of_field("additional_prompt"),
    *(_of_field(name) for name in _MASK),
    _forced_share("edit_strength", "Forced strength (-1 = off)", "strength"),
    _forced_share("edit_field", "Forced field (-1 = off)", "field"),
    radio("edit_engine", "Inpaint engine", AUTO, _ENGINES),
)
"""In the order in which their values travel, behind all others."""


def action_of(checked: Mapping[str, Any]) -> str:
    """Return what Generate does: makes a new picture, or one of the input picture.

    Args:
        checked: the widgets' values, by name.
    """
    if not checked[SWITCH]:
        return GENERATE
    return EDIT if checked["edit_kind"] == MASKED else _WHOLE[checked["edit_whole"]]


def edit_of(checked: Mapping[str, Any]) -> Edit | None:
    """Return the edit that the widgets ask for; None if a picture is made anew, varied or upscaled.

    What belongs to another method is out of sight, and left out.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    if action_of(checked) != EDIT:
        return None
    values = {name: checked[f"edit_{name}"] for name in (*_MASK, "additional_prompt", "engine")}
    values["mode"] = _METHODS[checked["edit_method"]]
    if values["mode"] == INPAINT:
        values["outpaint_to"] = checked["edit_outpaint_to"].strip() or NONE
        for side in SIDES:
            values[f"outpaint_{side}"] = checked["edit_share"] if checked[f"edit_{side}"] else 0.0
    values.update({name: _forced(checked, name) for name in ("strength", "field")})
    return from_dict(values)


def forced_strength(checked: Mapping[str, Any]) -> float | None:
    """Return how much of a varied or upscaled input picture is made anew, if that is forced.

    Raises:
        RequestError: the value is neither that nor -1.
    """
    return _forced(checked, "strength") if action_of(checked) in VARIATIONS else None


def _forced(checked: Mapping[str, Any], name: str) -> float | None:
    """Return a field that is forced; None if it is not. Raises RequestError."""
    value, field = checked[f"edit_{name}"], FIELDS_BY_NAME[name]
    if value == OFF:
        return None
    if not field.minimum <= value <= field.maximum:
        raise RequestError(
            f"Forced {name}: got {value:g}; allowed: {field.minimum:g} to {field.maximum:g}, or {OFF}."
        )
    return float(value)


def widget_values(edit: Edit) -> tuple[dict[str, Any], list[str]]:
    """Return the widgets' values for an edit, and sentences about what the page cannot say."""
    if not edit.of_mode.has_mask:
        return _whole(edit), []
    notes = []
    values: dict[str, Any] = {
        "edit_kind": MASKED,
        "edit_method": edit.of_mode.label,
        "edit_outpaint_to": "" if edit.outpaint_to == NONE else edit.outpaint_to,
        "edit_strength": OFF if edit.strength is None else edit.strength,
        "edit_field": OFF if edit.field is None else edit.field,
        "edit_engine": edit.engine if edit.engine in _ENGINES else AUTO,
        **{f"edit_{name}": getattr(edit, name) for name in (*_MASK, "additional_prompt")},
        **{f"edit_{side}": share > 0 for side, share in edit.shares.items()},
    }
    shares = sorted({share for share in edit.shares.values() if share})
    if shares:
        values["edit_share"] = share = max(shares[-1], _LEAST_SHARE)
        if share != shares[-1]:
            notes.append(
                f"Outpainting by {shares[-1]:g} is changed to {share:g}, the page's least."
            )
    if len(shares) > 1:
        notes.append(
            f"The page outpaints all sides by one share: {values['edit_share']:g} is taken."
        )
    if edit.mask_threshold != FIELDS_BY_NAME["mask_threshold"].default:
        notes.append(
            f"Mask threshold {edit.mask_threshold} is not taken over: the page has no such setting."
        )
    if edit.engine not in _ENGINES:
        notes.append(f'The inpaint engine "{edit.engine}" is not among those of the page.')
    return values, notes


def _whole(edit: Edit) -> dict[str, Any]:
    """Return the widgets' values for a picture that is varied or upscaled."""
    key, forced = variation_of(edit)
    return {
        "edit_kind": WHOLE,
        "edit_whole": VARIATIONS[key].label,
        "edit_strength": OFF if forced is None else forced,
    }

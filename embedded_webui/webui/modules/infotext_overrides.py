"""Options that infotexts name; doubles a part of the host's `modules/infotext_utils.py`."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from modules import shared

infotext_to_setting_name_mapping: list[tuple[str, str]] = []
"""(label, option) pairs of extensions older than `OptionInfo(infotext=...)`."""


def _labels_of_options() -> list[tuple[str, str]]:
    labels = shared.opts.data_labels.items()
    named = [(info.infotext, name) for name, info in labels if getattr(info, "infotext", None)]
    return named + infotext_to_setting_name_mapping


def create_override_settings_dict(text_pairs: list[str]) -> dict[str, Any]:
    """["Clip skip: 2"] -> {"CLIP_stop_at_last_layers": 2}; labels of no option are left out.

    Raises ValueError for an entry without a colon.
    """
    values: dict[str, str] = {}
    for pair in text_pairs or []:
        label, value = pair.split(":", maxsplit=1)
        values[label] = value.strip()
    return {
        name: shared.opts.cast_value(name, values[label])
        for label, name in _labels_of_options()
        if label in values
    }


def get_override_settings(
    params: dict[str, Any], *, skip_fields: Container[str] | None = None
) -> list[tuple[str, str, Any]]:
    """(label, option, value) for each label that names an option with another value now."""
    result = []
    for label, name in _labels_of_options():
        if label in (skip_fields or ()) or params.get(label) is None:
            continue
        frozen = getattr(shared.opts, "disable_weights_auto_swap", True)
        if name == "sd_model_checkpoint" and frozen:
            continue
        value = shared.opts.cast_value(name, params[label])
        if value != getattr(shared.opts, name, None):
            result.append((label, name, value))
    return result

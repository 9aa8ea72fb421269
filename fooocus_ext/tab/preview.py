"""What settings would put on the page, as a table to be read before they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.limits import OFF
from fooocus_ext.tab.choices import style_names
from fooocus_ext.tab.widgets import BY_NAME, LORAS, NAMES, ORIGINAL

_WEIGHTS = {slot.lora: slot.weight for slot in LORAS}
_UNSHOWN = {"random_seed", ORIGINAL.name, *_WEIGHTS.values(), *(slot.on for slot in LORAS)}


def rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return labels and values in the page's order, without what is empty, off or out of sight.

    Args:
        values: new values of widgets, by name.
    """
    return [
        (BY_NAME[name].label, _text(value))
        for name, value in _shown(values)
        if value not in ("", NONE, OFF)
    ]


def _shown(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in NAMES:
        if name not in values or name in _UNSHOWN:
            continue
        value = values[name]
        if name == "styles":
            value = ", ".join(style_names(value))
        if name in _WEIGHTS and value not in ("", NONE):
            value = f"{value} ({values.get(_WEIGHTS[name], 1.0):g})"
        yield name, value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

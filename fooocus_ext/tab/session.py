"""The page as it was left: the widgets' values as the browser keeps them, read without trusting it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fooocus_ext.data_files import DataFileError, parse_json
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.file_names import match_file
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.tab.choices import style_names, style_value
from fooocus_ext.tab.edits import SWITCH
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.style_list import known_styles
from fooocus_ext.tab.widgets import WIDGETS

MAX_LENGTH = 500_000
"""Characters; several times two prompts and the texts of a picture."""


def read_session(
    text: str, listed: Mapping[str, Callable[[], Sequence[str]]], styles: StyleLibrary
) -> Filled:
    """Return the widgets' values out of what the browser has kept; what cannot be used stays as it is.

    Args:
        text: a JSON object, widget names to values; names of other versions are passed over.
        listed: the functions that list what dropdowns may name, by ``Widget.listed_as``.
        styles: the styles there are.
    """
    try:
        kept = parse_json(text) if len(text) <= MAX_LENGTH else None
    except DataFileError:
        kept = None
    if not isinstance(kept, dict):
        return Filled({}, ("What was kept of the last session cannot be read.",))
    values: dict[str, Any] = {}
    notes: list[str] = []
    for widget in WIDGETS:
        if widget.name not in kept or widget.name == SWITCH:  # the input picture is gone
            continue
        value = kept[widget.name]
        try:
            widget.read(value)
            if widget.name == "styles":
                known, about = known_styles(style_names(value), styles)
                value, notes = style_value(known), [*notes, *about]
        except (DataFileError, RequestError):
            notes.append(f"{widget.title or widget.label} of the last session is left out.")
            continue
        if widget.kind == "list" and value:
            value, gone = match_file(value, listed[widget.listed_as]()), value  # hashes come and go
            if value is None:
                notes.append(
                    f'{widget.label} "{gone}" of the last session is not installed any more.'
                )
                continue
        values[widget.name] = value
    return Filled(values, tuple(notes))

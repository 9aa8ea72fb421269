"""Defaults of the page's widgets from ui-config.json; doubles the host's `modules/ui_loadsave.py`.

The file is read, never written: there is no Defaults page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import gradio as gr

from modules import errors

SLIDER_FIELDS = ("value", "minimum", "maximum", "step")


class UiLoadsave:
    """Reads the file once; `add_block` then gives a tab's widgets what it says of them."""

    def __init__(self, filename: str):
        self.filename = filename
        self.ui_settings: dict[str, Any] = {}
        if os.path.exists(filename):
            try:
                with open(filename, encoding="utf8") as file:
                    self.ui_settings = json.load(file)
            except (OSError, ValueError) as e:
                errors.display(e, f"reading {filename}")

    def add_block(self, block: Any, path: str) -> None:
        """Set the widgets within a tab; their keys begin with the tab's identifier, `path`."""
        for widget in _widgets(block):
            if not getattr(widget, "do_not_save_to_config", False):
                self._apply(widget, f"{path}/{widget.label}")

    def _apply(self, widget: Any, path: str) -> None:
        script = getattr(widget, "custom_script_source", None)
        prefix = path if script is None else f"customscript/{script}/{path}"
        for field in SLIDER_FIELDS if type(widget) is gr.Slider else ("value",):
            value = self.ui_settings.get(f"{prefix}/{field}")
            if value is not None and _allowed(widget, value):
                setattr(widget, field, value)


def _widgets(block: Any) -> Iterator[Any]:
    if hasattr(block, "children"):
        for child in block.children:
            yield from _widgets(child)
    elif type(block) in (gr.Slider, gr.Checkbox, gr.Textbox, gr.Number, gr.Radio, gr.Dropdown):
        yield block


def _allowed(widget: Any, value: Any) -> bool:
    """Whether a value is among the widget's choices, if it has any."""
    choices = getattr(widget, "choices", None)
    if choices is None:
        return True
    known = [choice[-1] if isinstance(choice, tuple) else choice for choice in choices]
    return all(v in known for v in value) if isinstance(value, list) else value in known

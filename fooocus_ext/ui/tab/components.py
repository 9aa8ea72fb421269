"""Gradio's component for each kind of widget in the tab's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from fooocus_ext.tab.widget import Kind, Widget
from fooocus_ext.tab.widgets import BY_NAME
from fooocus_ext.ui.tab.services import TabServices


def component(name: str, services: TabServices, **look: Any) -> Any:
    """Add a widget to the current layout.

    Args:
        name: the widget's name in ``tab.widgets``.
        services: its first value, and the names it lists.
        look: further arguments of Gradio's component, for how it looks and what it offers.
    """
    widget = BY_NAME[name]
    made = _COMPONENTS[widget.kind](
        value=services.values[name],
        label=widget.label,
        elem_id=f"fooocus_{name}",
        **{**_limits(widget, services), **look},
    )
    made.webui_tooltip = widget.tooltip  # the host shows it on hover (1.6 and newer)
    return made


def html(elem_id: str, value: str = "", **look: Any) -> Any:
    """Add a place for HTML to the current layout; the id is that of a column around it.

    Gradio gives the id of an HTML component to two elements of the page.
    """
    with gr.Column(elem_id=elem_id, min_width=0, **look):
        return gr.HTML(value)


_COMPONENTS: Mapping[Kind, Any] = {
    "text": gr.Textbox,
    "flag": gr.Checkbox,
    "slider": gr.Slider,
    "whole": gr.Number,
    "radio": gr.Radio,
    "list": gr.Dropdown,
    "names": gr.Dropdown,
}


def _limits(widget: Widget, services: TabServices) -> dict[str, Any]:
    """Return what a component is told of the values that it may have."""
    if widget.kind == "slider":
        return {"minimum": widget.minimum, "maximum": widget.maximum, "step": widget.step}
    if widget.kind == "whole":
        return {"precision": 0}
    if widget.kind == "radio":
        return {"choices": list(widget.choices)}
    if widget.kind == "list":
        return {"choices": list(services.choices[widget.listed_as]())}
    if widget.kind == "names":
        return {"choices": list(widget.choices), "multiselect": True}
    return {}

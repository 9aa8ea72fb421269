"""The Fooocus tab's "Input image": a picture to start from, its mask, and what becomes of it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fooocus_ext.edit import SIDES
from fooocus_ext.images.decoding import MAX_BYTES
from fooocus_ext.markup import render
from fooocus_ext.tab.edits import SWITCH
from fooocus_ext.ui.tab.components import component
from fooocus_ext.ui.tab.services import TabServices

_TOOLS = (
    ("brush", "Brush", "B"),
    ("eraser", "Eraser", "E"),
    ("lasso", "Lasso", "L"),
    ("rectangle", "Rectangle", "R"),
    ("hand", "Move", "H"),
)


def add_switch(widgets: dict[str, Any], services: TabServices) -> None:
    """Add the checkbox that opens the section to the current layout."""
    widgets[SWITCH] = component(SWITCH, services, container=False)


def build_input_image(widgets: dict[str, Any], services: TabServices) -> None:
    """Build the section below the prompt; adds its widgets to ``widgets`` by name.

    What belongs to the kind of work and to the method that are not chosen, the page's script hides.
    """

    def add(name: str, **look: Any) -> None:
        widgets[f"edit_{name}"] = component(f"edit_{name}", services, **look)

    with gr.Column(elem_id="fooocus_input"):
        add("kind")
        gr.HTML(render("input_picture.html", tools=_TOOLS, most_bytes=MAX_BYTES))
        with gr.Column(elem_classes=["fooocus-of-whole"]):
            add("whole")
        with gr.Column(elem_classes=["fooocus-of-mask"]):
            add("method")
            add("additional_prompt", lines=1, placeholder="Empty: the prompt alone says it")
            with gr.Column(elem_id="fooocus_outpaint"):
                with gr.Row(elem_id="fooocus_outpaint_sides"):
                    gr.HTML("<span>Outpaint</span>")
                    for side in SIDES:
                        add(side, container=False, min_width=0, scale=0)
                add("share")
        with gr.Accordion("Strength, mask and engine", open=False, elem_id="fooocus_edit_more"):
            with gr.Column(elem_classes=["fooocus-of-mask"]):
                add("mask_invert")
                with gr.Row():
                    add("mask_grow")
                    add("feather")
            add("strength")
            with gr.Column(elem_classes=["fooocus-of-mask"]):
                add("field")
                add("outpaint_to", max_lines=1)
                add("engine")

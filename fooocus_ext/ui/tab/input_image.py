"""The Fooocus tab's "Input image": a picture to start from, its mask, and what becomes of it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fooocus_ext.markup import render
from fooocus_ext.ui.tab.components import component
from fooocus_ext.ui.tab.services import TabServices

_TOOLS = (
    ("brush", "Brush", "B"),
    ("eraser", "Eraser", "E"),
    ("lasso", "Lasso", "L"),
    ("rectangle", "Rectangle", "R"),
    ("hand", "Move", "H"),
)


def build_input_image(widgets: dict[str, Any], services: TabServices) -> None:
    """Build the section below the prompt; adds its widgets to ``widgets`` by name."""
    with gr.Column(elem_id="fooocus_input"):
        gr.HTML(render("input_picture.html", tools=_TOOLS))

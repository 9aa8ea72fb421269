"""The Fooocus tab's page: picture, prompt, button; everything else behind "Advanced"."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from fooocus_ext.markup import render
from fooocus_ext.tab.overruled import overruled
from fooocus_ext.tab.variations import VARIATIONS
from fooocus_ext.tab.widgets import ORIGINAL
from fooocus_ext.ui.tab.columns import build_columns
from fooocus_ext.ui.tab.components import component, html
from fooocus_ext.ui.tab.gallery import picture_gallery
from fooocus_ext.ui.tab.input_image import add_switch, build_input_image
from fooocus_ext.ui.tab.services import TabServices

SEND_TO = ("txt2img", "img2img", "inpaint", "extras")
_WELCOME = """
<div id="fooocus_welcome">
  <p>Describe a picture below, and press <b>Generate</b>.</p>
  <p>Drop a picture here to use its settings, or to work on it.</p>
  <p><b>Advanced</b> has sizes, styles and models.</p>
</div>
"""
_DETAILS = """
<p class="fooocus-buttons">
  <button type="button" id="fooocus_copy_settings">Copy</button>
  <button type="button" id="fooocus_reuse_seed">Reuse the seed</button>
  <button type="button" id="fooocus_reuse_settings">Reuse all settings</button>
  <span id="fooocus_details_said" role="status"></span>
</p>
"""
_HIDDEN_TEXTS = (
    "infotexts",
    "infotext",
    "infotext_for_txt2img",
    "window",
    "shown",
    "pasted",
    "looked_at",
    "wildcards",
    "session",
    "arrived",
    "preset_asked",
)
_HIDDEN_BUTTONS = (
    "show",
    "apply_pasted",
    "count_tokens",
    "list_wildcards",
    "apply_session",
    "list_presets",
)
_HIDDEN_FILES = {"look_at": "Picture to look at", "picture": "Picture to use"}


@dataclass
class Tab:
    """The built page.

    Attributes:
        widgets: the widgets of ``tab.widgets.NAMES``, by name.
        parts: every other component that something is connected to, by name.
        send: the buttons that send the selected picture on, by tab.
        vary: the buttons of ``tab.variations.VARIATIONS``, by key.
    """

    widgets: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    send: dict[str, Any] = field(default_factory=dict)
    vary: dict[str, Any] = field(default_factory=dict)


def build_tab(services: TabServices) -> Tab:
    """Build the page inside the current ``gr.Blocks``; nothing is connected yet."""
    tab = Tab()
    with gr.Row(elem_id="fooocus_page", elem_classes=["fooocus-page"]):
        with gr.Column(scale=2, elem_id="fooocus_main"):
            tab.parts["first_run"] = html("fooocus_first_run", services.first_run())
            _build_pictures(tab)
            _build_prompt(tab, services)
            _build_actions(tab, services)
        with gr.Column(scale=1, elem_id="fooocus_side"):
            build_columns(tab.widgets, tab.parts, services)
    _build_hidden(tab, services)
    for built in (*tab.widgets.values(), *tab.parts.values()):
        built.do_not_save_to_config = True  # defaults depend on what is installed
    return tab


def _build_pictures(tab: Tab) -> None:
    with gr.Column(elem_id="fooocus_results"), gr.Group(elem_id="fooocus_gallery_container"):
        gr.HTML(_WELCOME)
        tab.parts["gallery"] = picture_gallery(
            label="Pictures",
            show_label=False,
            elem_id="fooocus_gallery",
            columns=4,
            preview=True,
            object_fit="contain",
        )


def _build_prompt(tab: Tab, services: TabServices) -> None:
    with gr.Row(elem_id="fooocus_prompt_row"):
        with gr.Column(scale=6, min_width=200):
            tab.widgets["prompt"] = component(
                "prompt",
                services,
                show_label=False,
                lines=3,
                max_lines=12,
                placeholder="Describe a picture",
                elem_classes=["prompt"],
            )
        with gr.Column(scale=1, min_width=140, elem_id="fooocus_buttons"):
            tab.parts["generate"] = gr.Button(
                "Generate", variant="primary", elem_id="fooocus_generate"
            )
            tab.parts["skip"] = gr.Button("Skip", elem_id="fooocus_skip")
            tab.parts["stop"] = gr.Button("Stop", variant="stop", elem_id="fooocus_interrupt")


def _build_actions(tab: Tab, services: TabServices) -> None:
    with gr.Row(elem_id="fooocus_toggles"):
        tab.parts["advanced"] = gr.Checkbox(
            value=False, label="Advanced", elem_id="fooocus_advanced", container=False
        )
        add_switch(tab.widgets, services)
        tab.parts["forever"] = gr.Checkbox(
            value=False, label="Generate forever", elem_id="fooocus_forever", container=False
        )
        expand = gr.Button("Expand", elem_id="fooocus_expand", size="sm")
        expand.webui_tooltip = (
            "Write the expansion of Fooocus V2 into the prompt now so that you can edit it"
        )
        tab.parts["expand"] = expand
        tab.parts["tokens"] = html("fooocus_tokens")
    build_input_image(tab.widgets, services)
    html("fooocus_queue", render("queue.html"), elem_classes=["fooocus-empty"])
    with gr.Column(elem_id="html_log_fooocus", min_width=0):
        tab.parts["log"] = gr.HTML(services.notes)
        tab.parts["ended"] = gr.HTML()  # what there is to say of the last job
    with gr.Row(elem_id="fooocus_vary", elem_classes=["fooocus-actions"]):
        for key, variation in VARIATIONS.items():
            tab.vary[key] = gr.Button(variation.label, elem_id=f"fooocus_{key}", size="sm")
    with gr.Row(elem_id="fooocus_send", elem_classes=["fooocus-actions"]):
        tab.send.update(services.send_buttons(SEND_TO))
    with gr.Accordion("Settings of this picture", open=False, elem_id="fooocus_details"):
        gr.HTML(_DETAILS)
        tab.parts["info"] = html("html_info_fooocus")


def _build_hidden(tab: Tab, services: TabServices) -> None:
    """Add what the page's script and the server tell each other, out of sight."""
    with gr.Row(elem_id="fooocus_hidden"):
        for name in _HIDDEN_TEXTS:
            tab.parts[name] = gr.Textbox(elem_id=f"fooocus_{name}", label=f"Fooocus {name}")
        for name in _HIDDEN_BUTTONS:
            tab.parts[name] = gr.Button(name, elem_id=f"fooocus_{name}")
        for name, label in _HIDDEN_FILES.items():
            tab.parts[name] = gr.File(type="binary", elem_id=f"fooocus_{name}", label=label)
        gr.HTML(render("dropped.html"))
        gr.HTML(render("overruled.html", overruled=json.dumps(overruled())))
        tab.widgets[ORIGINAL.name] = component(ORIGINAL.name, services)
        place = "first" if services.tab_first else "last"
        gr.HTML(f'<span id="fooocus_place" data-place="{place}"></span>')

"""The Fooocus tab's "Advanced" column: Setting, Style, Models and Advanced, and what stands where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from fooocus_ext.tab.widgets import ADDED, LORAS
from fooocus_ext.ui.tab.components import component, html
from fooocus_ext.ui.tab.services import TabServices

# The page's script writes the size in effect, and shows the sizes of one shape at a time.
_SHAPES = """
<p id="fooocus_size" role="status"></p>
<div class="fooocus-shapes" role="group" aria-label="Shape of the picture">
  <button type="button" data-shape="portrait"><i></i>Portrait</button>
  <button type="button" data-shape="square"><i></i>Square</button>
  <button type="button" data-shape="landscape"><i></i>Landscape</button>
</div>
"""

_PRESET_BUTTONS = {
    "save": "Save",
    "rename": "Rename chosen",
    "delete": "Delete chosen",
}
_PRESET_ANSWERS = {"overwrite": "Yes, overwrite it", "delete_sure": "Yes, delete it"}


def build_columns(widgets: dict[str, Any], parts: dict[str, Any], services: TabServices) -> None:
    """Build the tabs of the column; adds the components to ``widgets`` and ``parts`` by name."""
    column = _Column(widgets, parts, services)
    with gr.Tabs(elem_id="fooocus_tabs"):
        with gr.Tab("Setting", elem_id="fooocus_tab_setting"):
            column.build_setting()
        with gr.Tab("Style", elem_id="fooocus_tab_style"):
            column.build_styles()
        with gr.Tab("Models", elem_id="fooocus_tab_models"):
            column.build_models()
        with gr.Tab("Advanced", elem_id="fooocus_tab_advanced"):
            column.build_advanced()


@dataclass(frozen=True)
class _Column:
    widgets: dict[str, Any]
    parts: dict[str, Any]
    services: TabServices

    def add(self, name: str, **look: Any) -> None:
        """Add a widget to the current layout."""
        self.widgets[name] = component(name, self.services, **look)

    def build_setting(self) -> None:
        self.parts["preset"] = component("preset", self.services)
        self.build_own_presets()
        self.add("performance")
        with gr.Column(elem_id="fooocus_sizes"):
            gr.HTML(_SHAPES)
            self.add("aspect_ratio")
        self.add("image_number", maximum=self.services.limits.image_number)
        self.add("output_format")
        self.add("metadata")
        self.add("negative_prompt", lines=2, placeholder="What should not be in the picture")
        with gr.Row(elem_id="fooocus_seed_row"):
            self.add("random_seed")
            self.add("seed")
            self.add("same_seed")
        self.add("wildcards_in_order")
        self.add("image_grid")
        self.add("private")
        link = f'href="{self.services.history}" target="_blank"'
        gr.HTML(f'<a id="fooocus_history" {link}>History log</a>')

    def build_own_presets(self) -> None:
        """Add what saves the page's settings as a preset, and renames and deletes such."""
        with gr.Accordion("Your own presets", open=False, elem_id="fooocus_own_presets"):
            self.parts["preset_name"] = gr.Textbox(
                label="Name to save or rename to", max_lines=1, elem_id="fooocus_preset_name"
            )
            self.parts["preset_prompts"] = gr.Checkbox(
                False, label="Save the prompts, too", elem_id="fooocus_preset_prompts"
            )
            with gr.Row(elem_id="fooocus_preset_buttons"):
                for key, label in _PRESET_BUTTONS.items():
                    self.parts[f"preset_{key}"] = gr.Button(
                        label, elem_id=f"fooocus_preset_{key}", size="sm"
                    )
            self.parts["preset_said"] = html("fooocus_preset_said")
            for key, label in _PRESET_ANSWERS.items():
                self.parts[f"preset_{key}"] = gr.Button(
                    label,
                    elem_id=f"fooocus_preset_{key}",
                    size="sm",
                    visible=False,
                )

    def build_styles(self) -> None:
        gr.HTML(
            '<label class="fooocus-search"><span>Search styles</span>'
            '<input type="search" id="fooocus_style_search" autocomplete="off"></label>'
        )
        self.parts["style_list"] = html("fooocus_style_list", self.services.styles())
        self.add("styles", elem_classes=["fooocus-unseen"])

    def build_models(self) -> None:
        self.add("base_model")
        with gr.Row():
            self.add("refiner")
            self.add("refiner_switch")
        with gr.Group(elem_id="fooocus_loras"):
            for place, slot in enumerate(LORAS):
                shown = place < self.services.limits.lora_slots
                with gr.Row(elem_classes=["fooocus-lora"], visible=shown):
                    self.add(slot.on, container=False, scale=0, min_width=0)
                    self.add(slot.lora, scale=1, min_width=120)
                    self.add(slot.weight, scale=1, min_width=150)
        self.add("vae")
        self.parts["refresh"] = gr.Button("Refresh all files", elem_id="fooocus_refresh")

    def build_advanced(self) -> None:
        self.add("rendering")
        self.add("guidance_scale")
        self.add("sharpness")
        self.add("adaptive_cfg")
        self.add("adm_positive")
        self.add("adm_negative")
        self.add("adm_end")
        self.add("refiner_method")
        self.add("clip_skip")
        with gr.Row():
            self.add("sampler")
            self.add("scheduler")
        self.add("upscaler")
        with gr.Accordion("Overrides (-1 = off)", open=False, elem_id="fooocus_forced"):
            with gr.Row():
                self.add("steps")
                self.add("switch_step")
            with gr.Row():
                self.add("width")
                self.add("height")
        for widget in ADDED:
            self.add(widget.name)

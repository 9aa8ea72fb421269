"""Doubles modules/processing_scripts/refiner.py: the host's own refiner on the page."""

from __future__ import annotations

import gradio as gr
from modules import scripts, sd_models
from modules.infotext_utils import PasteField
from modules.ui_common import create_refresh_button
from modules.ui_components import InputAccordion

NO_CHECKPOINT = (None, "", "None")


def _title_of(name):
    info = sd_models.get_closet_checkpoint_match(name)
    return None if info is None else info.title


class ScriptRefiner(scripts.ScriptBuiltinUI):
    """Its values win over the request's in page runs; the API never calls its setup."""

    section = "accordions"
    create_group = False

    def title(self):
        return "Refiner"

    def ui(self, is_img2img):
        with (
            InputAccordion(False, label="Refiner", elem_id=self.elem_id("enable")) as enable,
            gr.Row(),
        ):
            checkpoint = gr.Dropdown(
                label="Checkpoint",
                elem_id=self.elem_id("checkpoint"),
                choices=sd_models.checkpoint_tiles(),
                value="",
            )
            create_refresh_button(
                checkpoint,
                sd_models.list_models,
                lambda: {"choices": sd_models.checkpoint_tiles()},
                self.elem_id("checkpoint_refresh"),
            )
            switch_at = gr.Slider(
                label="Switch at",
                elem_id=self.elem_id("switch_at"),
                minimum=0.01,
                maximum=1.0,
                step=0.01,
                value=0.8,
            )
        self.infotext_fields = [
            PasteField(enable, lambda d: "Refiner" in d),
            PasteField(checkpoint, lambda d: _title_of(d.get("Refiner")), api="refiner_checkpoint"),
            PasteField(switch_at, "Refiner switch at", api="refiner_switch_at"),
        ]
        return enable, checkpoint, switch_at

    def setup(self, p, enable_refiner, refiner_checkpoint, refiner_switch_at):
        active = enable_refiner and refiner_checkpoint not in NO_CHECKPOINT
        p.refiner_checkpoint = refiner_checkpoint if active else None
        p.refiner_switch_at = refiner_switch_at if active else None

"""Doubles modules/processing_scripts/seed.py: seed, variation seed and seed resizing on the page."""

from __future__ import annotations

import json

import gradio as gr
from modules import errors, infotext_utils, scripts
from modules.infotext_utils import PasteField
from modules.ui_components import ToolButton
from modules.ui_symbols import random_symbol, reuse_symbol


def _seed_of(generation_info, index, key) -> int:
    """The seed that an image's infotext names, -1 if there is none."""
    try:
        infotext = json.loads(generation_info)["infotexts"][index]
        return int(infotext_utils.parse_generation_parameters(infotext, []).get(key, -1))
    except Exception:
        if generation_info:
            errors.report(
                f"Error retrieving seed from generation info: {generation_info}", exc_info=True
            )
        return -1


def connect_reuse_seed(seed, reuse_seed, generation_info, is_subseed):
    """The button copies the seed of the picture that the gallery shows."""
    key = "Variation seed" if is_subseed else "Seed"
    reuse_seed.click(
        fn=lambda info, index: [_seed_of(info, index, key), gr.update()],
        _js="(x, y) => [x, selected_gallery_index()]",
        show_progress=False,
        inputs=[generation_info, seed],
        outputs=[seed, seed],
    )


class ScriptSeed(scripts.ScriptBuiltinUI):
    """Its values win over the request's in page runs; the API never calls its setup."""

    section = "seed"
    create_group = False

    def __init__(self):
        self.seed = None

    def title(self):
        return "Seed"

    def _number_with_buttons(self, label, item):
        number = gr.Number(
            label=label, value=-1, elem_id=self.elem_id(item), min_width=100, precision=0
        )
        shuffle = ToolButton(random_symbol, elem_id=self.elem_id(f"random_{item}"))
        reuse = ToolButton(reuse_symbol, elem_id=self.elem_id(f"reuse_{item}"))
        shuffle.click(
            fn=None,
            _js=f"function(){{setRandomSeed('{self.elem_id(item)}')}}",
            show_progress=False,
            inputs=[],
            outputs=[],
        )
        return number, reuse

    def ui(self, is_img2img):
        with gr.Row(elem_id=self.elem_id("seed_row")):
            self.seed, reuse_seed = self._number_with_buttons("Seed", "seed")
            extra = gr.Checkbox(label="Extra", elem_id=self.elem_id("subseed_show"), value=False)
        with gr.Group(visible=False, elem_id=self.elem_id("seed_extras")) as extras:
            with gr.Row(elem_id=self.elem_id("subseed_row")):
                subseed, reuse_subseed = self._number_with_buttons("Variation seed", "subseed")
                strength = gr.Slider(
                    label="Variation strength",
                    value=0.0,
                    minimum=0,
                    maximum=1,
                    step=0.01,
                    elem_id=self.elem_id("subseed_strength"),
                )
            with gr.Row(elem_id=self.elem_id("seed_resize_from_row")):
                width, height = (
                    gr.Slider(
                        label=f"Resize seed from {side}",
                        minimum=0,
                        maximum=2048,
                        step=8,
                        value=0,
                        elem_id=self.elem_id(f"seed_resize_from_{side[0]}"),
                    )
                    for side in ("width", "height")
                )
        extra.change(
            lambda x: gr.update(visible=x), show_progress=False, inputs=[extra], outputs=[extras]
        )
        self.infotext_fields = [
            PasteField(self.seed, "Seed", api="seed"),
            PasteField(extra, lambda d: "Variation seed" in d or "Seed resize from-1" in d),
            PasteField(subseed, "Variation seed", api="subseed"),
            PasteField(strength, "Variation seed strength", api="subseed_strength"),
            PasteField(width, "Seed resize from-1", api="seed_resize_from_h"),
            PasteField(height, "Seed resize from-2", api="seed_resize_from_w"),
        ]
        generation_info, seed = f"generation_info_{self.tabname}", self.seed
        self.on_after_component(
            lambda x: connect_reuse_seed(seed, reuse_seed, x.component, False),
            elem_id=generation_info,
        )
        self.on_after_component(
            lambda x: connect_reuse_seed(subseed, reuse_subseed, x.component, True),
            elem_id=generation_info,
        )
        return self.seed, extra, subseed, strength, width, height

    def setup(
        self,
        p,
        seed,
        seed_checkbox,
        subseed,
        subseed_strength,
        seed_resize_from_w,
        seed_resize_from_h,
    ):
        p.seed = seed
        if seed_checkbox and subseed_strength > 0:
            p.subseed = subseed
            p.subseed_strength = subseed_strength
        if seed_checkbox and seed_resize_from_w > 0 and seed_resize_from_h > 0:
            p.seed_resize_from_w = seed_resize_from_w
            p.seed_resize_from_h = seed_resize_from_h

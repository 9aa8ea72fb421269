"""What the txt2img and img2img tabs have in common; a part of the host's `modules/ui.py`.

A tab is built category by category, in the order that the option ui_reorder_list gives; scripts put
their widgets at the end of the category that they name as their section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gradio as gr

from modules import call_queue, progress, scripts, shared
from modules import infotext_utils as parameters_copypaste
from modules.infotext_utils import ParamBinding
from modules.ui_common import create_output_panel
from modules.ui_components import FormGroup, FormRow, ResizeHandleRow, ToolButton
from modules.ui_symbols import switch_values_symbol
from modules.ui_toprow import Toprow

BUILTIN_CATEGORIES = (
    "prompt", "image", "inpaint", "sampler", "accordions", "checkboxes", "dimensions", "cfg",
    "denoising", "seed", "batch", "override_settings",
)  # fmt: skip


def ui_reorder_categories() -> Iterator[str]:
    """Every category: the host's, then those that scripts name, then the scripts without any."""
    yield from BUILTIN_CATEGORIES
    everything = scripts.scripts_txt2img.scripts + scripts.scripts_img2img.scripts
    sections = (script.section for script in everything if isinstance(script.section, str))
    yield from dict.fromkeys(name for name in sections if name not in BUILTIN_CATEGORIES)
    yield "scripts"


def ordered_ui_categories() -> list[str]:
    """The categories in the user's order; those not mentioned keep their place among the others."""
    wished = {name.strip(): 2 * i + 1 for i, name in enumerate(shared.opts.ui_reorder_list)}
    numbered = enumerate(ui_reorder_categories())
    return [name for _, name in sorted(numbered, key=lambda x: wished.get(x[1], 2 * x[0]))]


def create_override_settings_dropdown(tabname: str, row: Any) -> gr.Dropdown:
    """Options that a pasted infotext wants otherwise; invisible while there are none."""
    dropdown = gr.Dropdown(
        [],
        label="Override settings",
        visible=False,
        elem_id=f"{tabname}_override_settings",
        multiselect=True,
    )
    dropdown.change(
        fn=lambda chosen: gr.Dropdown.update(visible=bool(chosen)),
        inputs=[dropdown],
        outputs=[dropdown],
    )
    return dropdown


class GenerationTab:
    """One tab: `build` makes its widgets, which stay as attributes, and wires them."""

    name: ClassVar[str]

    def __init__(self, runner: Any, outdir: str) -> None:
        self.runner = runner
        self.outdir = outdir

    def build(self) -> gr.Blocks:
        """The tab as blocks to be rendered inside the page."""
        scripts.scripts_current = self.runner
        self.runner.initialize_scripts(is_img2img=self.name == "img2img")
        with gr.Blocks(analytics_enabled=False) as interface:
            self.toprow = Toprow(is_img2img=self.name == "img2img")
            self.dummy = gr.Label(visible=False)
            with (
                gr.Tabs(elem_id=f"{self.name}_extra_tabs", elem_classes=["extra-networks"]),
                gr.Tab("Generation", id=f"{self.name}_generation"),
                ResizeHandleRow(equal_height=False),
            ):
                with gr.Column(variant="compact", elem_id=f"{self.name}_settings"):
                    self.runner.prepare_ui()
                    for category in ordered_ui_categories():
                        self.build_category(category)
                self.output = create_output_panel(self.name, self.outdir, self.toprow)
            self.connect()
        scripts.scripts_current = None
        return interface

    def build_category(self, category: str) -> None:
        """The host's widgets of a category, then those of the scripts that want to be there."""
        maker = getattr(self, f"make_{category}", None)
        if maker is not None:
            maker()
        if category != "accordions":
            self.runner.setup_ui_for_section(category)

    def connect(self) -> None:
        """Wires the widgets; overridden."""
        raise NotImplementedError

    def slider(
        self, label: str, suffix: str, low: float, high: float, step: float, value: float
    ) -> gr.Slider:
        """A slider whose element id is the tab's name and `suffix`."""
        return gr.Slider(
            minimum=low,
            maximum=high,
            step=step,
            label=label,
            value=value,
            elem_id=f"{self.name}_{suffix}",
        )

    def make_size(self) -> None:
        """Width, height and the button that swaps them."""
        with gr.Column(elem_id=f"{self.name}_column_size", scale=4):
            self.width = self.slider("Width", "width", 64, 2048, 8, 512)
            self.height = self.slider("Height", "height", 64, 2048, 8, 512)
        with gr.Column(
            elem_id=f"{self.name}_dimensions_row", scale=1, elem_classes="dimensions-tools"
        ):
            swap = ToolButton(
                value=switch_values_symbol,
                elem_id=f"{self.name}_res_switch_btn",
                tooltip="Switch width/height",
            )
        script = f"function(){{switchWidthHeight('{self.name}')}}"
        swap.click(fn=None, _js=script, show_progress=False)

    def make_dimensions(self) -> None:
        """Size and, where the option puts them there, batch count and size."""
        with FormRow():
            self.make_size()
            if shared.opts.dimensions_and_batch_together:
                with gr.Column(elem_id=f"{self.name}_column_batch"):
                    self._batch_sliders()

    def make_batch(self) -> None:
        """Batch count and size, where they are not beside the picture's size."""
        if not shared.opts.dimensions_and_batch_together:
            with FormRow(elem_id=f"{self.name}_column_batch"):
                self._batch_sliders()

    def _batch_sliders(self) -> None:
        self.batch_count = self.slider("Batch count", "batch_count", 1, 100, 1, 1)
        self.batch_size = self.slider("Batch size", "batch_size", 1, 8, 1, 1)

    def make_cfg(self) -> None:
        """The guidance scale."""
        with gr.Row():
            self.cfg_scale = self.slider("CFG Scale", "cfg_scale", 1.0, 30.0, 0.5, 7.0)

    def make_checkboxes(self) -> None:
        """A row that extensions look for; the host has nothing in it any more."""
        with FormRow(elem_classes="checkboxes-row", variant="compact"):
            pass

    def make_override_settings(self) -> None:
        """Options that hold for this generation only."""
        with FormRow(elem_id=f"{self.name}_override_settings_row") as row:
            self.override_settings = create_override_settings_dropdown(self.name, row)

    def make_scripts(self) -> None:
        """Scripts without a section, and the dropdown with those of which one runs at a time."""
        with FormGroup(elem_id=f"{self.name}_script_container"):
            self.custom_inputs = self.runner.setup_ui()

    def connect_generate(
        self, function: Callable[..., Any], script: str, inputs: list[Any]
    ) -> None:
        """Generate and Enter call `function` with the task's id and `inputs`."""
        outputs = [
            self.output.gallery,
            self.output.generation_info,
            self.output.infotext,
            self.output.html_log,
        ]
        event = {
            "fn": call_queue.wrap_gradio_gpu_call(function, extra_outputs=[None, "", ""]),
            "_js": script,
            "inputs": [self.dummy, *inputs, *self.custom_inputs],
            "outputs": outputs,
            "show_progress": False,
        }
        self.toprow.prompt.submit(**event)
        self.toprow.submit.click(**event)
        self.toprow.restore_progress_button.click(
            fn=progress.restore_progress,
            _js=f"restoreProgress{self.name.capitalize()}",
            inputs=[self.dummy],
            outputs=outputs,
            show_progress=False,
        )

    def connect_paste_button(self) -> None:
        """The arrow button reads the prompt as an infotext."""
        binding = ParamBinding(
            paste_button=self.toprow.paste,
            tabname=self.name,
            source_text_component=self.toprow.prompt,
        )
        parameters_copypaste.register_paste_params_button(binding)

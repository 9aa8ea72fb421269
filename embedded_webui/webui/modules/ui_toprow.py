"""Prompts and the buttons beside them; doubles the host's `modules/ui_toprow.py`.

Without the compact layout, the token counters, and the interrogators of img2img.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr

from modules import images, shared
from modules.ui_components import DropdownMulti, ToolButton
from modules.ui_symbols import clear_prompt_symbol, paste_symbol, restore_progress_symbol

SHORTCUTS = "(Press Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt)"


def interrupt() -> None:
    """Stops after the picture being made where more follow and the option says so, else at once."""
    state = shared.state
    after_current = getattr(shared.opts, "interrupt_after_current", True)
    if after_current and state.job_count > 1 and not state.stopping_generation:
        state.stop_generating()
        gr.Info("Stopping after this image; click again to stop at once.")
    else:
        state.interrupt()


class Toprow:
    """The row above a tab: its widgets are attributes, their element ids start with the tab's name."""

    def __init__(self, is_img2img: bool, is_compact: bool = False, id_part: str | None = None):
        self.id_part = id_part or ("img2img" if is_img2img else "txt2img")
        self.is_img2img = is_img2img
        self.is_compact = is_compact
        with gr.Row(elem_id=f"{self.id_part}_toprow", variant="compact"):
            self.create_prompts()
            with gr.Column(scale=1, elem_id=f"{self.id_part}_actions_column"):
                self.create_submit_box()
                self.create_tools_row()
                self.create_styles_ui()

    def create_inline_toprow_image(self) -> None:
        """Only the compact layout puts the buttons above the picture."""

    def _prompt_box(self, label: str, suffix: str) -> gr.Textbox:
        with gr.Row(elem_id=f"{self.id_part}_{suffix}_row", elem_classes=["prompt-row"]):
            return gr.Textbox(
                label=label,
                elem_id=f"{self.id_part}_{suffix}",
                show_label=False,
                lines=3,
                placeholder=f"{label}\n{SHORTCUTS}",
                elem_classes=["prompt"],
            )

    def create_prompts(self) -> None:
        """Both prompts, and the hidden place where a picture dropped on them goes."""
        with gr.Column(elem_id=f"{self.id_part}_prompt_container", scale=6):
            self.prompt = self._prompt_box("Prompt", "prompt")
            self.prompt_img = gr.File(
                label="",
                elem_id=f"{self.id_part}_prompt_image",
                file_count="single",
                type="binary",
                visible=False,
            )
            self.negative_prompt = self._prompt_box("Negative prompt", "neg_prompt")
        self.prompt_img.change(
            fn=images.image_data,
            inputs=[self.prompt_img],
            outputs=[self.prompt, self.prompt_img],
            show_progress=False,
        )

    def create_submit_box(self) -> None:
        """Generate, and what lies over it while a generation runs."""
        name = self.id_part
        with gr.Row(elem_id=f"{name}_generate_box", elem_classes=["generate-box"]) as box:
            self.submit_box = box
            self.interrupt = gr.Button(
                "Interrupt", elem_id=f"{name}_interrupt", elem_classes="generate-box-interrupt"
            )
            self.skip = gr.Button("Skip", elem_id=f"{name}_skip", elem_classes="generate-box-skip")
            self.interrupting = gr.Button(
                "Interrupting...",
                elem_id=f"{name}_interrupting",
                elem_classes="generate-box-interrupting",
            )
            self.submit = gr.Button("Generate", elem_id=f"{name}_generate", variant="primary")
        placeholder = f'function(){{ showSubmitInterruptingPlaceholder("{name}"); }}'
        self.skip.click(fn=shared.state.skip)
        self.interrupt.click(fn=interrupt, _js=placeholder)
        self.interrupting.click(fn=interrupt)

    def create_tools_row(self) -> None:
        """Paste, clear, and the button that asks for a lost generation again."""
        with gr.Row(elem_id=f"{self.id_part}_tools"):
            self.paste = ToolButton(
                value=paste_symbol,
                elem_id="paste",
                tooltip="Read generation parameters from the prompt, or, if it is empty, from the "
                "last generation, into the page.",
            )
            self.clear_prompt_button = ToolButton(
                value=clear_prompt_symbol,
                elem_id=f"{self.id_part}_clear_prompt",
                tooltip="Clear prompt",
            )
            self.restore_progress_button = ToolButton(
                value=restore_progress_symbol,
                elem_id=f"{self.id_part}_restore_progress",
                visible=False,
                tooltip="Restore progress",
            )
        prompts = [self.prompt, self.negative_prompt]
        self.clear_prompt_button.click(
            fn=lambda *values: values, _js="confirm_clear_prompt", inputs=prompts, outputs=prompts
        )

    def create_styles_ui(self) -> None:
        """The dropdown with the webui's own styles, of which there are none at a start."""
        with gr.Row(elem_id=f"{self.id_part}_styles_row"):
            dropdown = DropdownMulti(
                label="Styles",
                show_label=False,
                elem_id=f"{self.id_part}_styles",
                choices=list(shared.prompt_styles.styles),
                value=[],
            )
        self.ui_styles = SimpleNamespace(dropdown=dropdown)

    def styles_target(self) -> tuple[Any, Callable[[dict[str, Any]], Any]]:
        """The dropdown of styles, and what a parsed infotext puts into it."""

        def read(params: dict[str, Any]) -> Any:
            found = params.get("Styles array")
            return found if isinstance(found, list) else gr.update()

        return self.ui_styles.dropdown, read

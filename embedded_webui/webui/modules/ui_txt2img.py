"""The txt2img tab; a part of the host's `modules/ui.py`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules import infotext_utils as parameters_copypaste
from modules import processing, sd_models, sd_samplers, sd_schedulers, shared, txt2img
from modules.infotext_utils import PasteField
from modules.ui_common import create_refresh_button
from modules.ui_components import FormHTML, FormRow, InputAccordion
from modules.ui_generation import GenerationTab

SAME_CHECKPOINT = "Use same checkpoint"
SAME_SAMPLER = "Use same sampler"
SAME_SCHEDULER = "Use same scheduler"


def calc_resolution_hires(
    enable: bool, width: int, height: int, hr_scale: float, hr_resize_x: int, hr_resize_y: int
) -> str:
    """HTML saying from which size to which the hires pass goes; "" where it is off."""
    if not enable:
        return ""
    p = processing.StableDiffusionProcessingTxt2Img(
        width=width,
        height=height,
        enable_hr=True,
        hr_scale=hr_scale,
        hr_resize_x=hr_resize_x,
        hr_resize_y=hr_resize_y,
    )
    p.calculate_target_resolution()
    wide, high = p.hr_resize_x or p.hr_upscale_to_x, p.hr_resize_y or p.hr_upscale_to_y
    start = f"<span class='resolution'>{p.width}x{p.height}</span>"
    return f"from {start} to <span class='resolution'>{wide}x{high}</span>"


def _names_hires(params: dict[str, Any]) -> bool:
    labels = ("Hires upscale", "Hires upscaler", "Hires resize-1")
    return "Denoising strength" in params and any(label in params for label in labels)


def _show_where(labels: dict[str, str]) -> Any:
    """A paste function that shows a row where a label differs from its usual value."""

    def visibility(params: dict[str, Any]) -> dict[str, Any]:
        differs = any(params.get(label, usual) != usual for label, usual in labels.items())
        return gr.update(visible=True) if differs else gr.update()

    return visibility


class Txt2ImgTab(GenerationTab):
    """The tab that makes pictures from text."""

    name = "txt2img"

    def make_accordions(self) -> None:
        """Hires fix, then the scripts' accordions."""
        with gr.Row(elem_id="txt2img_accordions", elem_classes="accordions"):
            with InputAccordion(False, label="Hires. fix", elem_id="txt2img_hr") as self.enable_hr:
                with self.enable_hr.extra():
                    self.hr_final_resolution = FormHTML(
                        value="", elem_id="txtimg_hr_finalres", label="Upscaled resolution"
                    )
                self._hires_sizes()
                self._hires_models()
                self._hires_prompts()
            self.runner.setup_ui_for_section("accordions")

    def _hires_sizes(self) -> None:
        upscalers = [*shared.latent_upscale_modes, *[item.name for item in shared.sd_upscalers]]
        with FormRow(elem_id="txt2img_hires_fix_row1", variant="compact"):
            self.hr_upscaler = gr.Dropdown(
                label="Upscaler",
                elem_id="txt2img_hr_upscaler",
                choices=upscalers,
                value=shared.latent_upscale_default_mode,
            )
            self.hr_steps = self.slider("Hires steps", "hires_steps", 0, 150, 1, 0)
            self.denoising = self.slider(
                "Denoising strength", "denoising_strength", 0, 1, 0.01, 0.7
            )
        with FormRow(elem_id="txt2img_hires_fix_row2", variant="compact"):
            self.hr_scale = self.slider("Upscale by", "hr_scale", 1.0, 4.0, 0.05, 2.0)
            self.hr_resize_x = self.slider("Resize width to", "hr_resize_x", 0, 2048, 8, 0)
            self.hr_resize_y = self.slider("Resize height to", "hr_resize_y", 0, 2048, 8, 0)

    def _hires_models(self) -> None:
        def checkpoints() -> list[str]:
            return [SAME_CHECKPOINT, *sd_models.checkpoint_tiles(use_short=True)]

        samplers = [SAME_SAMPLER, *sd_samplers.visible_sampler_names()]
        schedulers = [SAME_SCHEDULER, *[item.label for item in sd_schedulers.schedulers]]
        with FormRow(
            elem_id="txt2img_hires_fix_row3",
            variant="compact",
            visible=shared.opts.hires_fix_show_sampler,
        ) as self.hr_sampler_container:
            self.hr_checkpoint = gr.Dropdown(
                label="Checkpoint",
                elem_id="hr_checkpoint",
                choices=checkpoints(),
                value=SAME_CHECKPOINT,
            )
            create_refresh_button(
                self.hr_checkpoint,
                sd_models.list_models,
                lambda: {"choices": checkpoints()},
                "hr_checkpoint_refresh",
            )
            self.hr_sampler = gr.Dropdown(
                label="Hires sampling method",
                elem_id="hr_sampler",
                choices=samplers,
                value=SAME_SAMPLER,
            )
            self.hr_scheduler = gr.Dropdown(
                label="Hires schedule type",
                elem_id="hr_scheduler",
                choices=schedulers,
                value=SAME_SCHEDULER,
            )

    def _hires_prompts(self) -> None:
        with FormRow(
            elem_id="txt2img_hires_fix_row4",
            variant="compact",
            visible=shared.opts.hires_fix_show_prompts,
        ) as self.hr_prompts_container:
            self.hr_prompt, self.hr_negative_prompt = (
                gr.Textbox(
                    label=f"Hires {label}",
                    elem_id=elem_id,
                    show_label=False,
                    lines=3,
                    placeholder=f"{label.capitalize()} of the hires pass; "
                    "leave empty to use the first pass's.",
                    elem_classes=["prompt"],
                )
                for label, elem_id in (
                    ("prompt", "hires_prompt"),
                    ("negative prompt", "hires_neg_prompt"),
                )
            )

    def connect(self) -> None:
        """Generate, the hires resolution, and the fields for pasting."""
        self.connect_generate(
            txt2img.txt2img,
            "submit",
            [
                self.toprow.prompt,
                self.toprow.negative_prompt,
                self.toprow.ui_styles.dropdown,
                self.batch_count,
                self.batch_size,
                self.cfg_scale,
                self.height,
                self.width,
                self.enable_hr,
                self.denoising,
                self.hr_scale,
                self.hr_upscaler,
                self.hr_steps,
                self.hr_resize_x,
                self.hr_resize_y,
                self.hr_checkpoint,
                self.hr_sampler,
                self.hr_scheduler,
                self.hr_prompt,
                self.hr_negative_prompt,
                self.override_settings,
            ],
        )
        self._connect_resolution()
        fields = self._paste_fields()
        parameters_copypaste.add_paste_fields("txt2img", None, fields, self.override_settings)
        self.connect_paste_button()

    def _connect_resolution(self) -> None:
        inputs = [
            self.enable_hr, self.width, self.height, self.hr_scale, self.hr_resize_x,
            self.hr_resize_y,
        ]  # fmt: skip
        for component in inputs:
            event = component.release if isinstance(component, gr.Slider) else component.change
            event(
                fn=calc_resolution_hires,
                inputs=inputs,
                outputs=[self.hr_final_resolution],
                show_progress=False,
            )

    def _paste_fields(self) -> list[PasteField]:
        models = {
            "Hires sampler": SAME_SAMPLER,
            "Hires checkpoint": SAME_CHECKPOINT,
            "Hires schedule type": SAME_SCHEDULER,
        }
        prompts = {"Hires prompt": "", "Hires negative prompt": ""}
        return [
            PasteField(self.toprow.prompt, "Prompt", api="prompt"),
            PasteField(self.toprow.negative_prompt, "Negative prompt", api="negative_prompt"),
            PasteField(*self.toprow.styles_target(), api="styles"),
            PasteField(self.cfg_scale, "CFG scale", api="cfg_scale"),
            PasteField(self.width, "Size-1", api="width"),
            PasteField(self.height, "Size-2", api="height"),
            PasteField(self.batch_size, "Batch size", api="batch_size"),
            PasteField(self.denoising, "Denoising strength", api="denoising_strength"),
            PasteField(self.enable_hr, _names_hires, api="enable_hr"),
            PasteField(self.hr_scale, "Hires upscale", api="hr_scale"),
            PasteField(self.hr_upscaler, "Hires upscaler", api="hr_upscaler"),
            PasteField(self.hr_steps, "Hires steps", api="hr_second_pass_steps"),
            PasteField(self.hr_resize_x, "Hires resize-1", api="hr_resize_x"),
            PasteField(self.hr_resize_y, "Hires resize-2", api="hr_resize_y"),
            PasteField(self.hr_checkpoint, "Hires checkpoint", api="hr_checkpoint_name"),
            PasteField(
                self.hr_sampler, sd_samplers.get_hr_sampler_from_infotext, api="hr_sampler_name"
            ),
            PasteField(
                self.hr_scheduler, sd_samplers.get_hr_scheduler_from_infotext, api="hr_scheduler"
            ),
            PasteField(self.hr_sampler_container, _show_where(models)),
            PasteField(self.hr_prompt, "Hires prompt", api="hr_prompt"),
            PasteField(self.hr_negative_prompt, "Hires negative prompt", api="hr_negative_prompt"),
            PasteField(self.hr_prompts_container, _show_where(prompts)),
            *self.runner.infotext_fields,
        ]

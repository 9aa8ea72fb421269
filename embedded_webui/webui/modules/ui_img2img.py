"""The img2img tab; a part of the host's `modules/ui.py`.

Of the host's six modes it has img2img and inpaint (with a mask drawn on the picture), at the host's
places in the list of modes; no sketch, no upload of masks, no batch folder, no "Resize by".
"""

from __future__ import annotations

import gradio as gr

from modules import img2img
from modules import infotext_utils as parameters_copypaste
from modules.ui_components import FormGroup, FormRow
from modules.ui_generation import GenerationTab

RESIZE_MODES = ["Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)"]
FILLS = ["fill", "original", "latent noise", "latent nothing"]


class Img2ImgTab(GenerationTab):
    """The tab that makes pictures from a picture and text."""

    name = "img2img"

    def make_image(self) -> None:
        """The picture to start from, in the mode's own tab, and how it is brought to size."""
        with gr.Tabs(elem_id="mode_img2img"):
            with gr.TabItem("img2img", id="img2img", elem_id="img2img_img2img_tab") as tab_image:
                self.init_img = gr.Image(
                    label="Image for img2img",
                    elem_id="img2img_image",
                    show_label=False,
                    source="upload",
                    interactive=True,
                    type="pil",
                    tool="editor",
                    image_mode="RGBA",
                    height=400,
                )
            with gr.TabItem("Inpaint", id="inpaint", elem_id="img2img_inpaint_tab") as tab_inpaint:
                self.init_img_with_mask = gr.Image(
                    label="Image for inpainting with mask",
                    show_label=False,
                    elem_id="img2maskimg",
                    source="upload",
                    interactive=True,
                    type="pil",
                    tool="sketch",
                    image_mode="RGBA",
                    height=400,
                )
        self.mode_tabs = [tab_image, tab_inpaint]
        with FormRow():
            self.resize_mode = gr.Radio(
                label="Resize mode",
                elem_id="resize_mode",
                choices=RESIZE_MODES,
                type="index",
                value=RESIZE_MODES[0],
            )

    def make_inpaint(self) -> None:
        """What is done with the mask; shown in inpaint mode only."""
        with FormGroup(elem_id="inpaint_controls", visible=False) as self.inpaint_controls:
            self.mask_blur = self.slider("Mask blur", "mask_blur", 0, 64, 1, 4)
            self.mask_invert = self._choice(
                "Mask mode", "mask_mode", ["Inpaint masked", "Inpaint not masked"]
            )
            self.fill = self._choice("Masked content", "inpainting_fill", FILLS, "original")
            with FormRow():
                self.full_res = self._choice(
                    "Inpaint area", "inpaint_full_res", ["Whole picture", "Only masked"]
                )
                self.padding = self.slider(
                    "Only masked padding, pixels", "inpaint_full_res_padding", 0, 256, 4, 32
                )

    def _choice(
        self, label: str, suffix: str, choices: list[str], value: str | None = None
    ) -> gr.Radio:
        return gr.Radio(
            label=label,
            choices=choices,
            value=value or choices[0],
            type="index",
            elem_id=f"{self.name}_{suffix}",
        )

    def make_denoising(self) -> None:
        """How much of the picture is made anew."""
        self.denoising = self.slider("Denoising strength", "denoising_strength", 0, 1, 0.01, 0.75)

    def make_accordions(self) -> None:
        """The scripts' accordions."""
        with gr.Row(elem_id="img2img_accordions", elem_classes="accordions"):
            self.runner.setup_ui_for_section("accordions")

    def connect(self) -> None:
        """Generate, the mode's controls, and the fields for pasting."""
        for index, tab in enumerate(self.mode_tabs):
            tab.select(
                fn=lambda visible=index == 1: gr.update(visible=visible),
                inputs=[],
                outputs=[self.inpaint_controls],
            )
        self.connect_generate(
            img2img.img2img,
            "submit_img2img",
            [
                self.dummy,
                self.toprow.prompt,
                self.toprow.negative_prompt,
                self.toprow.ui_styles.dropdown,
                self.init_img,
                self.init_img_with_mask,
                self.mask_blur,
                self.fill,
                self.batch_count,
                self.batch_size,
                self.cfg_scale,
                self.denoising,
                self.height,
                self.width,
                self.resize_mode,
                self.full_res,
                self.padding,
                self.mask_invert,
                self.override_settings,
            ],
        )
        fields = self._paste_fields()
        for tabname, image in (("img2img", self.init_img), ("inpaint", self.init_img_with_mask)):
            parameters_copypaste.add_paste_fields(tabname, image, fields, self.override_settings)
        self.connect_paste_button()

    def _paste_fields(self) -> list[tuple]:
        return [
            (self.toprow.prompt, "Prompt"),
            (self.toprow.negative_prompt, "Negative prompt"),
            self.toprow.styles_target(),
            (self.cfg_scale, "CFG scale"),
            (self.width, "Size-1"),
            (self.height, "Size-2"),
            (self.batch_size, "Batch size"),
            (self.denoising, "Denoising strength"),
            (self.mask_blur, "Mask blur"),
            (self.mask_invert, "Mask mode"),
            (self.fill, "Masked content"),
            (self.full_res, "Inpaint area"),
            (self.padding, "Masked area padding"),
            *self.runner.infotext_fields,
        ]

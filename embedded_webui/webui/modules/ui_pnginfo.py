"""The PNG Info tab; doubles a part of the host's `modules/ui.py` and `modules/extras.py`."""

from __future__ import annotations

import html as markup

import gradio as gr
from PIL import Image

from modules import images
from modules import infotext_utils as parameters_copypaste
from modules.call_queue import wrap_gradio_call_no_job
from modules.infotext_utils import ParamBinding
from modules.ui_components import ResizeHandleRow
from modules.ui_text import plaintext_to_html


def run_pnginfo(image: Image.Image | None) -> tuple[str, str, str]:
    """("", infotext, HTML of every text in the picture) for the picture shown."""
    if image is None:
        return "", "", ""
    geninfo, items = images.read_info_from_image(image)
    if geninfo:
        items = {"parameters": geninfo, **items}
    if not items:
        return "", geninfo or "", "<div><p>Nothing found in the image.</p></div>"
    entries = (
        f"<div><p><b>{markup.escape(str(key))}</b></p>{plaintext_to_html(str(text))}</div>"
        for key, text in items.items()
    )
    return "", geninfo or "", "\n".join(entries)


def create_ui() -> gr.Blocks:
    """The tab: a picture, its texts, and buttons that send them on."""
    with gr.Blocks(analytics_enabled=False) as interface, ResizeHandleRow(equal_height=False):
        with gr.Column(variant="panel"):
            image = gr.Image(
                elem_id="pnginfo_image",
                label="Source",
                source="upload",
                interactive=True,
                type="pil",
            )
        with gr.Column(variant="panel"):
            html = gr.HTML()
            infotext = gr.Textbox(visible=False, elem_id="pnginfo_generation_info")
            html_entries = gr.HTML(elem_id="pnginfo_html_info")
            with gr.Row():
                buttons = parameters_copypaste.create_buttons(["txt2img", "img2img", "inpaint"])
            for tabname, button in buttons.items():
                binding = ParamBinding(
                    paste_button=button,
                    tabname=tabname,
                    source_text_component=infotext,
                    source_image_component=image,
                )
                parameters_copypaste.register_paste_params_button(binding)
        image.change(
            fn=wrap_gradio_call_no_job(run_pnginfo),
            inputs=[image],
            outputs=[html, infotext, html_entries],
        )
    return interface

"""Parts that several tabs share; doubles the host's `modules/ui_common.py`."""

from __future__ import annotations

import dataclasses
import json
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from modules import call_queue, infotext_utils, scripts, shared
from modules.ui_components import ToolButton
from modules.ui_save import save_files
from modules.ui_symbols import folder_symbol, refresh_symbol
from modules.ui_text import plaintext_to_html

__all__ = [
    "OutputPanel", "create_output_panel", "create_refresh_button", "folder_symbol",
    "plaintext_to_html", "refresh_symbol", "save_files", "setup_dialog", "update_generation_info",
]  # fmt: skip


@dataclasses.dataclass
class OutputPanel:
    """The widgets that show what a generation gave."""

    gallery: Any = None
    generation_info: Any = None
    infotext: Any = None
    html_log: Any = None
    button_upscale: Any = None


def update_generation_info(generation_info: str, html_info: str, img_index: int) -> tuple:
    """The infotext of the picture selected; what is shown already where there is none."""
    try:
        infotexts = json.loads(generation_info)["infotexts"]
    except (TypeError, ValueError, KeyError):
        return html_info, gr.update()
    if not 0 <= img_index < len(infotexts):
        return html_info, gr.update()
    return plaintext_to_html(infotexts[img_index]), gr.update()


def open_folder(folder: str) -> None:
    """Shows an output folder in the desktop's file manager, or whatever opens file: addresses."""
    if not shared.cmd_opts.hide_ui_dir_config:
        Path(folder).mkdir(parents=True, exist_ok=True)
        webbrowser.open(Path(folder).resolve().as_uri())


def create_output_panel(tabname: str, outdir: str, toprow: Any = None) -> OutputPanel:
    """Gallery, infotext, log, buttons to save and to send; `tabname` prefixes element ids."""
    panel = OutputPanel()
    with gr.Column(elem_id=f"{tabname}_results"):
        if toprow:
            toprow.create_inline_toprow_image()
        with gr.Column(variant="panel", elem_id=f"{tabname}_results_panel"):
            with gr.Group(elem_id=f"{tabname}_gallery_container"):
                panel.gallery = gr.Gallery(
                    label="Output",
                    show_label=False,
                    elem_id=f"{tabname}_gallery",
                    columns=4,
                    preview=True,
                    height=shared.opts.gallery_height or None,
                )
            with gr.Row(elem_id=f"image_buttons_{tabname}", elem_classes="image-buttons"):
                save, save_zip = _folder_and_save_buttons(tabname, outdir)
                _send_buttons(tabname, panel.gallery)
            _infotext_below(tabname, panel)
            _connect_save(tabname, panel, save, save_zip)
    return panel


def _folder_and_save_buttons(tabname: str, outdir: str) -> tuple[ToolButton, ToolButton]:
    opener = ToolButton(
        folder_symbol,
        elem_id=f"{tabname}_open_folder",
        visible=not shared.cmd_opts.hide_ui_dir_config,
        tooltip="Open images output directory.",
    )
    opener.click(fn=lambda: open_folder(shared.opts.outdir_samples or outdir))
    saved_to = shared.opts.outdir_save
    save = ToolButton("💾", elem_id=f"save_{tabname}", tooltip=f"Save the image to {saved_to}")
    save_zip = ToolButton(
        "🗃️", elem_id=f"save_zip_{tabname}", tooltip=f"Save images and a zip archive to {saved_to}"
    )
    return save, save_zip


def _send_buttons(tabname: str, gallery: gr.Gallery) -> None:
    runners = {"txt2img": scripts.scripts_txt2img, "img2img": scripts.scripts_img2img}
    names = runners[tabname].paste_field_names if tabname in runners else []
    for target, symbol in (("img2img", "🖼️"), ("inpaint", "🎨️")):
        button = ToolButton(
            symbol,
            elem_id=f"{tabname}_send_to_{target}",
            tooltip=f"Send image and generation parameters to {target} tab.",
        )
        binding = infotext_utils.ParamBinding(
            paste_button=button,
            tabname=target,
            source_tabname="txt2img" if tabname == "txt2img" else None,
            source_image_component=gallery,
            paste_field_names=names,
        )
        infotext_utils.register_paste_params_button(binding)


def _infotext_below(tabname: str, panel: OutputPanel) -> None:
    with gr.Group():
        panel.infotext = gr.HTML(elem_id=f"html_info_{tabname}", elem_classes="infotext")
        panel.html_log = gr.HTML(elem_id=f"html_log_{tabname}", elem_classes="html-log")
        panel.generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
        if tabname not in ("txt2img", "img2img"):
            return
        button = gr.Button(visible=False, elem_id=f"{tabname}_generation_info_button")
        button.click(
            fn=update_generation_info,
            _js="function(x, y, z){ return [x, y, selected_gallery_index()] }",
            inputs=[panel.generation_info, panel.infotext, panel.infotext],
            outputs=[panel.infotext, panel.infotext],
            show_progress=False,
        )


def _connect_save(tabname: str, panel: OutputPanel, save: ToolButton, save_zip: ToolButton) -> None:
    files = gr.File(
        None,
        file_count="multiple",
        interactive=False,
        show_label=False,
        visible=False,
        elem_id=f"download_files_{tabname}",
    )
    for button, as_zip in ((save, "false"), (save_zip, "true")):
        button.click(
            fn=call_queue.wrap_gradio_call_no_job(save_files, extra_outputs=[gr.update()]),
            _js=f"(x, y, z, w) => [x, y, {as_zip}, selected_gallery_index()]",
            # The last two only make room for what the script puts in.
            inputs=[panel.generation_info, panel.gallery, panel.infotext, panel.infotext],
            outputs=[files, panel.html_log],
            show_progress=False,
        )


def create_refresh_button(
    refresh_component: Any,
    refresh_method: Callable[[], Any],
    refreshed_args: Any,
    elem_id: str,
) -> ToolButton:
    """A button that calls `refresh_method`, then gives the component(s) `refreshed_args` anew."""
    several = refresh_component if isinstance(refresh_component, list) else [refresh_component]
    labels = (getattr(component, "label", None) for component in several)
    label = next((label for label in labels if label is not None), None)

    def refresh() -> Any:
        refresh_method()
        args = (refreshed_args() if callable(refreshed_args) else refreshed_args) or {}
        for component in several:
            for name, value in args.items():
                setattr(component, name, value)
        updates = [gr.update(**args) for _component in several]
        return updates if len(updates) > 1 else updates[0]

    tooltip = f"{label}: refresh" if label else "Refresh"
    button = ToolButton(value=refresh_symbol, elem_id=elem_id, tooltip=tooltip)
    button.click(fn=refresh, inputs=[], outputs=several)
    return button


def setup_dialog(
    button_show: gr.Button, dialog: Any, *, button_close: gr.Button | None = None
) -> None:
    """Hides `dialog`, and shows it over the page when `button_show` is clicked."""
    dialog.visible = False
    show = button_show.click(fn=lambda: gr.update(visible=True), inputs=[], outputs=[dialog])
    show.then(fn=None, _js=f"function(){{ popupId('{dialog.elem_id}'); }}")
    if button_close:
        button_close.click(fn=None, _js="closePopup")

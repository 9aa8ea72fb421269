"""The page; doubles the host's `modules/ui.py`.

Tabs txt2img, img2img, PNG Info, those of extensions, Settings: no Extras, Checkpoint Merger, Train or
Extensions.
"""

from __future__ import annotations

import mimetypes
import sys

import gradio as gr
import torch
from fastapi import FastAPI

from modules import (
    gradio_extensons,  # noqa: F401 - it changes gradio's components when imported
    script_callbacks,
    scripts,
    shared,
    ui_loadsave,
    ui_pnginfo,
    ui_settings,
)
from modules import infotext_utils as parameters_copypaste
from modules.call_queue import (  # noqa: F401 - extensions import them from here
    wrap_gradio_call,
    wrap_gradio_call_no_job,
    wrap_gradio_gpu_call,
    wrap_queued_call,
)
from modules.infotext_utils import PasteField, image_from_url_text  # noqa: F401
from modules.ui_common import (  # noqa: F401
    create_output_panel,
    create_refresh_button,
    plaintext_to_html,
    refresh_symbol,
    setup_dialog,
)
from modules.ui_components import (  # noqa: F401
    FormGroup,
    FormHTML,
    FormRow,
    InputAccordion,
    ResizeHandleRow,
    ToolButton,
)
from modules.ui_generation import (  # noqa: F401
    create_override_settings_dropdown,
    ordered_ui_categories,
)
from modules.ui_gradio_extensions import reload_javascript, served_folders  # noqa: F401
from modules.ui_img2img import Img2ImgTab
from modules.ui_symbols import (  # noqa: F401
    clear_prompt_symbol,
    paste_symbol,
    random_symbol,
    restore_progress_symbol,
    reuse_symbol,
    switch_values_symbol,
)
from modules.ui_txt2img import Txt2ImgTab, calc_resolution_hires  # noqa: F401

create_setting_component = ui_settings.create_setting_component
txt2img_paste_fields: list = []
img2img_paste_fields: list = []

# Windows takes these from its registry, which other programs change.
mimetypes.add_type("application/javascript", ".js")
mimetypes.add_type("application/javascript", ".mjs")
mimetypes.add_type("image/webp", ".webp")


def local_theme() -> gr.themes.Base:
    """gradio's theme in the fonts of the machine that shows it, none fetched from elsewhere."""
    sans, mono = ["ui-sans-serif", "system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    return gr.themes.Default(font=sans, font_mono=mono)


def create_ui() -> gr.Blocks:
    """The whole page; `shared.tab_names` then names its tabs."""
    reload_javascript()
    parameters_copypaste.reset()
    settings = ui_settings.UiSettings()
    settings.register_settings()

    txt2img = Txt2ImgTab(scripts.scripts_txt2img, shared.opts.outdir_txt2img_samples)
    img2img = Img2ImgTab(scripts.scripts_img2img, shared.opts.outdir_img2img_samples)
    interfaces = [(txt2img.build(), "txt2img", "txt2img"), (img2img.build(), "img2img", "img2img")]
    interfaces.append((ui_pnginfo.create_ui(), "PNG Info", "pnginfo"))
    txt2img_paste_fields[:] = parameters_copypaste.paste_fields["txt2img"]["fields"]
    img2img_paste_fields[:] = parameters_copypaste.paste_fields["img2img"]["fields"]
    settings_interface = settings.create_ui()
    interfaces += script_callbacks.ui_tabs_callback()
    loadsave = ui_loadsave.UiLoadsave(shared.cmd_opts.ui_config_file)
    for blocks, _label, identifier in interfaces:
        loadsave.add_block(blocks, identifier)
    interfaces.append((settings_interface, "Settings", "settings"))
    shared.tab_names = [label for _blocks, label, _identifier in interfaces]

    with gr.Blocks(theme=local_theme(), analytics_enabled=False, title="Stable Diffusion") as demo:
        settings.add_quicksettings()
        parameters_copypaste.connect_paste_params_buttons()
        with gr.Tabs(elem_id="tabs"):
            for blocks, label, identifier in _in_order(interfaces):
                with gr.TabItem(label, id=identifier, elem_id=f"tab_{identifier}"):
                    blocks.render()
        gr.HTML(versions_html(), elem_id="footer")
        settings.add_functionality(demo)
    return demo


def _in_order(interfaces: list[tuple]) -> list[tuple]:
    place = {label: index for index, label in enumerate(shared.opts.ui_tab_order)}
    shown = [entry for entry in interfaces if entry[1] not in shared.opts.hidden_tabs]
    return sorted(shown, key=lambda entry: place.get(entry[1], len(interfaces)))


def versions_html() -> str:
    """What runs here, in the page's last line."""
    parts = {
        "python": ".".join(str(number) for number in sys.version_info[:3]),
        "torch": torch.__version__,
        "gradio": gr.__version__,
        "checkpoint": '<a id="sd_checkpoint_hash">N/A</a>',
    }
    shown = "&#x2000;•&#x2000;".join(f"{name}: {value}" for name, value in parts.items())
    return f"<div class='versions'>embedded host&#x2000;•&#x2000;{shown}</div>"


def ping() -> dict[str, str]:
    """Says that the server is there."""
    return {}


def setup_ui_api(app: FastAPI) -> None:
    """Adds the addresses that the page itself asks."""
    app.add_api_route("/internal/ping", ping, methods=["GET"])

"""The Fooocus tab on the host: what its page is built from, and what its buttons do."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import script_callbacks, shared

from fooocus_ext.edit import SIDES
from fooocus_ext.host.jobs import outputs
from fooocus_ext.host.machine import options
from fooocus_ext.host.tab import (
    fill,
    lists,
    loaded,
    presets,
    prompt,
    queue,
    send,
    session,
    shown,
    storage,
)
from fooocus_ext.tab.edits import SWITCH
from fooocus_ext.tab.variations import GENERATE, VARIATIONS
from fooocus_ext.tab.widgets import LORAS, NAMES, RENDERING
from fooocus_ext.ui.tab.page import Tab, build_tab
from fooocus_ext.ui.tab.services import TabServices

TITLE, ELEM_ID = "Fooocus", "fooocus"


def register() -> None:
    """Register the tab and what its jobs need with the host."""
    script_callbacks.on_ui_tabs(_on_ui_tabs)
    script_callbacks.on_infotext_pasted(loaded.note_text_of_fooocus)
    script_callbacks.on_before_image_saved(outputs.name_picture)
    script_callbacks.on_image_saved(outputs.picture_saved)
    script_callbacks.on_cfg_denoiser(queue.say_progress)
    script_callbacks.on_after_component(send.PngInfo().after_component)
    script_callbacks.on_app_started(storage.register)
    script_callbacks.on_app_started(queue.register)


def _on_ui_tabs() -> list[tuple[Any, str, str]]:
    with gr.Blocks(analytics_enabled=False) as page:
        tab = build_tab(services())
        connect(tab)
    return [(page, TITLE, ELEM_ID)]


def services() -> TabServices:
    """Return what the page is built from."""
    first = fill.initial()
    return TabServices(
        values=first.values,
        notes=fill.notice(first.notes),
        choices=lists.choices(),
        styles=lists.style_list,
        first_run=lists.first_run,
        send_buttons=send.create_buttons,
        history=storage.LOG_PATH.removeprefix("/") + "/",
        tab_first=bool(getattr(shared.cmd_opts, "fooocus_tab_first", False)),
        limits=options.page_limits(),
    )


def connect(tab: Tab) -> None:
    """Connect the page's components."""
    _connect_generation(tab)
    _connect_settings(tab)
    presets.connect(tab)
    session.connect(tab)
    prompt.connect(tab)
    send.connect(tab)


def _connect_generation(tab: Tab) -> None:
    parts = tab.parts
    widgets = [tab.widgets[name] for name in NAMES]
    buttons = {GENERATE: parts["generate"], **{key: tab.vary[key] for key in VARIATIONS}}
    for action, button in buttons.items():
        button.click(
            fn=None,
            _js=f"(...given) => fooocusSubmit('{action}', given.slice(0, {len(widgets) + 1}))",
            inputs=[parts["forever"], *widgets],
            outputs=[parts["log"]],
        )
    parts["show"].click(
        fn=shown.show,
        _js="(window, shown, random) => [...fooocusShow(), random]",
        inputs=[parts["window"], parts["shown"], tab.widgets["random_seed"]],
        outputs=[{**parts, **tab.widgets}[name] for name in shown.OUTPUTS],
        show_progress=False,
        queue=False,
    )


def _connect_settings(tab: Tab) -> None:
    parts = tab.parts
    filled = [*(tab.widgets[name] for name in NAMES), parts["log"]]
    page = [tab.widgets[name] for name in ("width", "height", RENDERING.name, "base_model")]
    parts["preset"].select(  # which Gradio 3 tells also of the one that is chosen already
        fn=fill.load_preset,
        inputs=[parts["preset"], *page],
        outputs=filled,
        show_progress=False,
        queue=False,
    )
    parts["advanced"].change(fn=None, _js="fooocusToggleAdvanced", inputs=[parts["advanced"]])
    random = tab.widgets["random_seed"]
    random.change(fn=None, _js="fooocusShowSeed", inputs=[random])
    tab.widgets["styles"].change(fn=None, _js="fooocusShowStyles", inputs=[tab.widgets["styles"]])
    size = [tab.widgets[name] for name in ("aspect_ratio", "width", "height")]
    for widget in size:
        widget.change(fn=None, _js="fooocusShowSize", inputs=size)
    for name in (SWITCH, "edit_kind", "edit_method", "edit_share", *(f"edit_{s}" for s in SIDES)):
        tab.widgets[name].change(fn=None, _js="fooocusShowInput")
    performance = tab.widgets["performance"]
    performance.change(fn=None, _js="fooocusShowOverruled", inputs=[performance])
    parts["apply_pasted"].click(
        fn=loaded.load_text, inputs=[parts["pasted"]], outputs=filled, show_progress=False
    )
    parts["picture"].upload(
        fn=lambda content: [*loaded.load_picture(content), None],
        inputs=[parts["picture"]],
        outputs=[*filled, parts["picture"]],
        show_progress=False,
    )
    parts["look_at"].upload(
        fn=lambda content: [loaded.preview(content), None],
        inputs=[parts["look_at"]],
        outputs=[parts["looked_at"], parts["look_at"]],
        show_progress=False,
        queue=False,
    ).then(fn=None, _js="fooocusShowDropped", inputs=[parts["looked_at"]])
    parts["refresh"].click(
        fn=_refreshed,
        inputs=[
            *(parts[name] for name in ("first_run", "preset", "arrived")),
            *(tab.widgets[slot.lora] for slot in LORAS),
        ],
        outputs=[
            *(tab.widgets[name] for name in fill.REFRESHED),
            *(parts[name] for name in ("preset", "first_run", "style_list", "arrived")),
        ],
        show_progress=False,
    ).then(fn=None, _js="fooocusShowStyles", inputs=[tab.widgets["styles"]])


def _refreshed(*page: str) -> list[Any]:
    return [*fill.refreshed(*page), lists.style_list(), ""]

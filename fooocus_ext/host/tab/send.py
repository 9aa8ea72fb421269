"""Pictures that leave the Fooocus tab for others, and settings that come to it from PNG Info."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from fooocus_ext.host import infotext_parser
from fooocus_ext.host.tab import fill, loaded
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.widgets import NAMES
from fooocus_ext.ui.tab.page import Tab

TABNAME = "fooocus"
_PICTURE, _INFOTEXT, _NEIGHBOUR = "pnginfo_image", "pnginfo_generation_info", "inpaint_tab"


def create_buttons(tabs: Sequence[str]) -> Mapping[str, Any]:
    """Make the host's buttons that send a picture to other tabs."""
    buttons: Mapping[str, Any] = infotext_parser.copypaste.create_buttons(list(tabs))
    return buttons


def connect(tab: Tab) -> None:
    """Connect the buttons with the selected picture, and tell the host how settings are pasted."""
    fields = paste_fields({**tab.widgets, "log": tab.parts["log"]})
    infotext_parser.copypaste.add_paste_fields(TABNAME, None, fields)
    infotext, for_txt2img = tab.parts["infotext"], tab.parts["infotext_for_txt2img"]
    infotext.change(
        fn=None, _js="fooocusWithoutSecondPass", inputs=[infotext], outputs=[for_txt2img]
    )
    for name, button in tab.send.items():
        infotext_parser.copypaste.register_paste_params_button(
            infotext_parser.copypaste.ParamBinding(
                paste_button=button,
                tabname=name,
                source_text_component=for_txt2img if name == "txt2img" else infotext,
                source_image_component=tab.parts["gallery"],
            )
        )


def paste_fields(
    components: Mapping[str, Any],
) -> list[tuple[Any, Callable[[Mapping[str, Any]], Any]]]:
    """Return what the host asks, component by component, for the values of the same parsed infotext.

    Args:
        components: the widgets by their names, and ``log`` for the messages.
    """
    pasted = _Pasted()
    fields = [(components[name], partial(pasted.value, name)) for name in NAMES]
    return [*fields, (components["log"], pasted.notice)]


class _Pasted:
    """The infotext that the host pastes now, read once."""

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, Any], Filled] = {}, Filled({})

    def value(self, name: str, entries: Mapping[str, Any]) -> Any:
        """Return the update of a widget."""
        values = self._read(entries).values
        return gr.update(value=values[name]) if name in values else gr.update()

    def notice(self, entries: Mapping[str, Any]) -> Any:
        """Return the update of the messages."""
        return gr.update(value=fill.notice(self._read(entries).notes))

    def _read(self, entries: Mapping[str, Any]) -> Filled:
        read, filled = self._last
        if entries is not read:  # when it is pasted again, files may have come or gone
            filled = fill.for_page(loaded.fill_from_infotext(entries))
            self._last = entries, filled
        return filled


class PngInfo:
    """Adds "Send to Fooocus" to the host's PNG Info tab while the host builds it."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}

    def after_component(self, component: Any, **_kwargs: Any) -> None:
        """Callback after each component of the host's page."""
        elem_id = getattr(component, "elem_id", None)
        if elem_id in (_PICTURE, _INFOTEXT):
            self._seen[elem_id] = component
        if elem_id != _NEIGHBOUR or self._seen.keys() != {_PICTURE, _INFOTEXT}:
            return
        seen, self._seen = self._seen, {}
        # The host looks the tab up for every button, and does not start if building it failed.
        infotext_parser.copypaste.add_paste_fields(TABNAME, None, None)
        infotext_parser.copypaste.register_paste_params_button(
            infotext_parser.copypaste.ParamBinding(
                paste_button=gr.Button("Send to Fooocus", elem_id="fooocus_tab"),
                tabname=TABNAME,
                source_text_component=seen[_INFOTEXT],
                source_image_component=seen[_PICTURE],
            )
        )

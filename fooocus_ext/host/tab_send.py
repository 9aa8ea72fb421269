"""Pictures that leave the Fooocus tab for others, and settings that come to it from PNG Info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules import generation_parameters_copypaste as copypaste

from fooocus_ext.ui.tab import Tab


def create_buttons(tabs: Sequence[str]) -> Mapping[str, Any]:
    """Make the host's buttons that send a picture to other tabs."""
    return copypaste.create_buttons(list(tabs))


def connect(tab: Tab) -> None:
    """Connect the buttons with the gallery and the selected picture's settings."""
    for name, button in tab.send.items():
        copypaste.register_paste_params_button(
            copypaste.ParamBinding(
                paste_button=button,
                tabname=name,
                source_text_component=tab.parts["infotext"],
                source_image_component=tab.parts["gallery"],
            )
        )


def add_to_png_info(component: Any, **_kwargs: Any) -> None:
    """Callback after each component of the host's page."""

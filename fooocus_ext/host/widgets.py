"""The panel, built with the host's own components."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modules import sd_models, ui_common, ui_components

from fooocus_ext.args import HOST_CHOICE, NONE
from fooocus_ext.host import a1111, assets
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.ui import panel


def build_panel(script: Any) -> panel.Panel:
    """Build the panel of one tab's script object inside the host's current layout."""
    services = panel.PanelServices(
        elem_id=script.elem_id,
        accordion=ui_components.InputAccordion,
        choices=choices(),
        refresh_button=refresh_button,
    )
    return panel.build_panel(services)


def choices() -> dict[str, Callable[[], Sequence[str]]]:
    """Return, for each field with an open set of values, the function that lists them."""
    return {
        "refiner": a1111.checkpoint_names,
        "styles": lambda: assets.styles().names,
        "aspect_ratio": lambda: [HOST_CHOICE, *ASPECT_RATIOS],
        "preset": lambda: [NONE, *assets.presets().names],
    }


def refresh_button(dropdown: Any, list_choices: Callable[[], Sequence[str]], elem_id: str) -> Any:
    """Add the host's refresh button for a dropdown to the current layout."""
    return ui_common.create_refresh_button(
        dropdown, sd_models.list_models, lambda: {"choices": list(list_choices())}, elem_id
    )

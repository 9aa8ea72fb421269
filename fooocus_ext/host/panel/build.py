"""The panel, built with the host's own components."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from modules import processing, sd_models, ui_common, ui_components

from fooocus_ext.args import FIELDS, HOST_CHOICE, NONE
from fooocus_ext.host import residents, typed_texts
from fooocus_ext.host.machine import assets, checkpoints
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.prompting.styles import EXPANSION_STYLE, RANDOM_STYLE, special_style
from fooocus_ext.ui import panel

FIELD_NAMES = [field.name for field in FIELDS]
PRESET_LISTS: dict[str, Any] = {}
"""The lists of presets of the panels that are on the page, by tab."""


class PanelBuilder:
    """Builds the panel of one tab, and wires it to the tab's own prompt box.

    The host makes the prompt box, the panel and the seed box in an order that its user can choose ("UI
    item order"), so the wiring waits until all three are there. It also builds panels and seed boxes that
    belong to no page (to read the defaults); those have nothing to be wired to.
    """

    def __init__(self, script: Any) -> None:
        self._script = script
        self._boxes: dict[str, Any] = {}
        for name in ("prompt", "seed"):
            for tab in ("txt2img", "img2img"):
                script.on_after_component(
                    functools.partial(self._remember, tab, name), elem_id=f"{tab}_{name}"
                )

    def build(self) -> panel.Panel:
        """Build the panel inside the host's current layout."""
        services = panel.PanelServices(
            elem_id=self._script.elem_id,
            accordion=ui_components.InputAccordion,
            choices=choices(),
            refresh_button=refresh_button,
            tool_button=tool_button,
            release_refiner=release_refiner,
            checkpoint_title=checkpoints.title,
            not_pasted=typed_texts.not_pasted,
        )
        built = panel.build_panel(services)
        self._boxes["expand"] = built.expand_button
        for name in ("expansion", "styles", "preset"):
            self._boxes[name] = built.components[FIELD_NAMES.index(name)]
        self._wire_if_complete()
        return built

    def _remember(self, tab: str, name: str, event: Any) -> None:
        if self._tab == tab:
            self._boxes[name] = event.component
            self._wire_if_complete()

    @property
    def _tab(self) -> str:
        return "img2img" if self._script.is_img2img else "txt2img"

    def _wire_if_complete(self) -> None:
        parts = [self._boxes.get(name) for name in ("prompt", "expand", "seed")]
        if None not in parts and len({id(_page_of(part)) for part in parts}) == 1:
            self._wire(self._tab)

    def _wire(self, tab: str) -> None:
        PRESET_LISTS[tab] = self._boxes["preset"]
        prompt, styles, expansion = (
            self._boxes[name] for name in ("prompt", "styles", "expansion")
        )
        written = self._boxes["expand"].click(
            fn=expand_prompt,
            inputs=[prompt, self._boxes["seed"], styles, expansion],
            outputs=[prompt, styles, expansion],
        )
        written.then(fn=None, _js=f"() => recalculate_prompts_{tab}()")


def _page_of(part: Any) -> Any:
    """Return the outermost of Gradio's blocks around a part, which is a page while it is built."""
    while part.parent is not None:
        part = part.parent
    return part


def expand_prompt(
    prompt: str, seed: float | str | None, styles: Sequence[str], expands: bool
) -> tuple[str, Sequence[str], bool]:
    """Return the prompt with its expansion, and styles and switch so that none is added again.

    Where there is nothing to add, all stays as it is.
    """
    fixed = processing.get_fixed_seed(seed if seed not in (None, "") else -1)
    expanded = assets.writer().continued(prompt, int(fixed), styles)
    if expanded == prompt:
        return prompt, styles, expands
    return expanded, [name for name in styles if special_style(name) != EXPANSION_STYLE], False


def release_refiner() -> str:
    """Free the resident refiner as soon as no generation needs it; return what happened."""
    released = residents.release()
    return f"Released {released}." if released else "No refiner was in memory."


def choices() -> dict[str, Callable[[], Sequence[str]]]:
    """Return, for each field with an open set of values, the function that lists them."""
    return {
        "refiner": checkpoints.names,
        "styles": lambda: [EXPANSION_STYLE, RANDOM_STYLE, *assets.styles().names],
        "aspect_ratio": lambda: [HOST_CHOICE, *ASPECT_RATIOS],
        "preset": lambda: [NONE, *assets.presets().names],
    }


def refresh_button(dropdown: Any, list_choices: Callable[[], Sequence[str]], elem_id: str) -> Any:
    """Add the host's refresh button for a dropdown to the current layout."""

    def read_again() -> None:
        sd_models.list_models()
        assets.reload()

    return ui_common.create_refresh_button(
        dropdown, read_again, lambda: {"choices": list(list_choices())}, elem_id
    )


def tool_button(symbol: str, elem_id: str, tooltip: str) -> Any:
    """Add one of the host's small buttons to the current layout."""
    button = ui_components.ToolButton(value=symbol, elem_id=elem_id)
    button.webui_tooltip = tooltip
    return button

"""The accordion in txt2img and img2img, built from the field table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import gradio as gr

from fooocus_ext import infotext
from fooocus_ext.args import FIELDS, FIELDS_BY_NAME
from fooocus_ext.fields import Field

_NOT_SENT = ("aspect_ratio",)
"""A picture is sent with its own size, which would be overruled: the second pass may have enlarged it."""


@dataclass(frozen=True)
class PanelServices:
    """What the panel needs from the host.

    Attributes:
        elem_id: makes an element id, unique per tab, from a field's name.
        accordion: makes the host's accordion with a checkbox in its title: a context manager that
            is itself the ``enabled`` component.
        choices: for each field whose legal values only the host knows, a function listing them.
        refresh_button: adds the host's small refresh button beside a dropdown.
        tool_button: adds one of the host's small buttons; takes the symbol, an id and a tooltip.
        release_refiner: frees the resident refiner and says what happened.
        checkpoint_title: turns a checkpoint's name in an infotext into one of the choices.
        not_pasted: lists the infotext keys that the user wants to be left alone.
    """

    elem_id: Callable[[str], str]
    accordion: Callable[..., AbstractContextManager[Any]]
    choices: dict[str, Callable[[], Sequence[str]]]
    refresh_button: Callable[[Any, Callable[[], Sequence[str]], str], Any]
    tool_button: Callable[[str, str, str], Any]
    release_refiner: Callable[[], str]
    checkpoint_title: Callable[[str], str]
    not_pasted: Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Panel:
    """The built panel.

    Attributes:
        components: the fields' components, in field order.
        expand_button: the button that continues the prompt; its caller knows the prompt box.
        infotext_fields: how a pasted infotext fills the components.
        infotext_names: the labels that "Send to" below the gallery carries along.
    """

    components: list[Any]
    expand_button: Any
    infotext_fields: list[tuple[Any, PasteTarget]]
    infotext_names: list[str]


def build_panel(services: PanelServices) -> Panel:
    """Build the accordion inside the host's current layout. Has no side effects besides."""
    widgets: dict[str, Any] = {}

    def add(*names: str) -> None:
        for name in names:
            widgets[name] = _widget(FIELDS_BY_NAME[name], services)

    enabled = FIELDS_BY_NAME["enabled"]
    accordion = services.accordion(
        enabled.default, label=enabled.label, elem_id=services.elem_id("enabled")
    )
    with accordion as widgets["enabled"]:
        with gr.Row():
            add("preset", "performance", "aspect_ratio")
        with gr.Row():
            add("styles")
        with gr.Row(elem_id=services.elem_id("expand_row")):
            add("expansion")
            expand_button = gr.Button("Expand", elem_id=services.elem_id("expand"), size="sm")
            expand_button.webui_tooltip = (
                "Write the expansion into the prompt now so that you can edit it"
            )
        with gr.Row():
            add("sharpness", "adaptive_cfg")
        with gr.Row():
            add("adm_positive", "adm_negative", "adm_end")
        with gr.Row():
            add("refiner")
            _add_release_button(services)
        with gr.Row():
            add("refiner_switch", "refiner_method")
        with gr.Row():
            add("rendering", "keep")
        for field in FIELDS:  # those without a place of their own
            if field.name not in widgets:
                add(field.name)

    return Panel(
        components=[widgets[field.name] for field in FIELDS],
        expand_button=expand_button,
        infotext_fields=[(widgets[field.name], _target(field, services)) for field in FIELDS],
        infotext_names=[field.infotext for field in FIELDS if field.name not in _NOT_SENT],
    )


def _add_release_button(services: PanelServices) -> None:
    button = services.tool_button(
        "\N{ANTICLOCKWISE OPEN CIRCLE ARROW}",
        services.elem_id("release_refiner"),
        "Remove the refiner from memory",
    )
    button.click(fn=lambda: gr.Info(services.release_refiner()), inputs=[], outputs=[])


class PasteTarget(str):
    """What the host finds beside a component in the list of those that a pasted infotext fills.

    It is called with the entries of the infotext, and returns the component's value, or None to leave it
    alone. "Send to" carries along what equals a label, so it is one, too.

    Attributes:
        read: returns what an infotext's entries give the component. It is not an argument of the constructor:
            copies of a str are made of its text alone, and Gradio 4 copies the lists that these are in.
    """

    __slots__ = ("read",)
    read: Callable[[dict[str, Any]], Any]

    def __call__(self, entries: dict[str, Any]) -> Any:
        """Return what an infotext gives the component."""
        return self.read(entries)


def _target(field: Field, services: PanelServices) -> PasteTarget:
    def read(entries: dict[str, Any]) -> Any:
        if field.infotext in services.not_pasted():
            return None
        value = infotext.field_value(field, entries)
        is_checkpoint = field.name == "refiner" and value is not None
        return services.checkpoint_title(value) if is_checkpoint else value

    target = PasteTarget(field.infotext)
    target.read = read
    return target


def _widget(field: Field, services: PanelServices) -> Any:
    widget = _bare_widget(field, services)
    widget.webui_tooltip = field.help  # the host shows it on hover (1.6 and newer)
    return widget


def _bare_widget(field: Field, services: PanelServices) -> Any:
    common = {"label": field.label, "elem_id": services.elem_id(field.name)}
    if field.kind == "names" and field.choices:
        common["info"] = field.help  # its label is not enough to guess what choosing a name does
    if field.kind == "flag":
        return gr.Checkbox(value=field.default, **common)
    if field.kind in ("number", "whole"):
        return gr.Slider(
            minimum=field.minimum,
            maximum=field.maximum,
            step=field.step,
            value=field.default,
            **common,
        )
    if field.kind == "texts":
        return gr.Textbox(value="", visible=False, **common)
    if field.kind == "text":
        return gr.Textbox(value=field.default, **common)
    if field.choices:
        return _dropdown(field, field.choices, common)
    list_choices = services.choices[field.name]
    dropdown = _dropdown(field, list_choices(), common)
    services.refresh_button(dropdown, list_choices, services.elem_id(f"{field.name}_refresh"))
    return dropdown


def _dropdown(field: Field, choices: Sequence[str], common: dict[str, Any]) -> Any:
    several = field.kind == "names"
    return gr.Dropdown(
        choices=list(choices),
        value=list(field.default) if several else field.default,
        multiselect=several,
        **common,
    )

"""The tab's page has every widget of the table, as the table describes it."""

from __future__ import annotations

import gradio as gr
import pytest

from fooocus_ext.tab.page_limits import PageLimits
from fooocus_ext.tab.variations import VARIATIONS
from fooocus_ext.tab.widgets import DEFAULTS, LORAS, NAMES, PRESET, WIDGETS
from fooocus_ext.ui.tab.page import SEND_TO, build_tab
from fooocus_ext.ui.tab.services import TabServices

LISTS = {widget.listed_as for widget in (*WIDGETS, PRESET) if widget.listed_as}


def build(**more):
    services = TabServices(
        values={**DEFAULTS, "preset": "initial", "sharpness": 3.0},
        notes="<p>a LoRA is missing</p>",
        choices={name: lambda name=name: [f"{name} 1", f"{name} 2"] for name in LISTS},
        styles=lambda: "<b>styles</b>",
        first_run=lambda: "",
        send_buttons=lambda tabs: {name: gr.Button(name) for name in tabs},
        history="fooocus/v1/log/",
        **more,
    )
    with gr.Blocks():
        return build_tab(services)


@pytest.fixture(scope="module")
def tab():
    return build()


def test_no_widget_stands_in_the_table_twice():
    assert len(set(NAMES)) == len(NAMES)


def test_every_widget_is_there_with_its_name_label_and_first_value(tab):
    assert set(tab.widgets) == set(NAMES)
    for widget in WIDGETS:
        built = tab.widgets[widget.name]
        assert (built.elem_id, built.label) == (f"fooocus_{widget.name}", widget.label)
        assert built.value == (3.0 if widget.name == "sharpness" else widget.default)
        assert built.do_not_save_to_config


@pytest.mark.parametrize("slots", [1, 5])
def test_the_page_offers_as_many_pictures_and_loras_as_its_limits_say(slots):
    limited = build(limits=PageLimits(image_number=4, lora_slots=slots))
    assert limited.widgets["image_number"].maximum == 4
    shown = [is_shown(limited.widgets[slot.lora]) for slot in LORAS]
    assert shown == [number <= slots for number in range(1, 6)]


def is_shown(built):
    return built is None or (getattr(built, "visible", True) and is_shown(built.parent))


def values_in(built):
    """Return a component's choices; some of Gradio's components keep each with its label."""
    return [choice[1] if isinstance(choice, tuple) else choice for choice in built.choices]


def test_ranges_and_choices_are_the_tables(tab):
    for widget in WIDGETS:
        built = tab.widgets[widget.name]
        if widget.kind == "slider":
            limits = (widget.minimum, widget.maximum, widget.step)
            assert (built.minimum, built.maximum, built.step) == limits
        elif widget.kind == "radio":
            assert values_in(built) == list(widget.choices)
        elif widget.kind == "list":
            assert values_in(built) == [f"{widget.listed_as} 1", f"{widget.listed_as} 2"]


def test_the_buttons_are_those_of_the_actions(tab):
    assert {key: button.value for key, button in tab.vary.items()} == {
        key: variation.label for key, variation in VARIATIONS.items()
    }
    assert tuple(tab.send) == SEND_TO
    assert tab.parts["preset"].value == "initial"


def test_what_there_is_to_say_of_the_first_values_stands_where_messages_do(tab):
    assert tab.parts["log"].value == "<p>a LoRA is missing</p>"


def test_private_says_who_can_see_a_preview(tab):
    assert "live preview can be seen by everybody" in tab.widgets["private"].webui_tooltip

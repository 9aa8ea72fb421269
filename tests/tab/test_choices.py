"""The tab's values: read in one place, and refused with the widget's name."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.args import HOST_CHOICE
from fooocus_ext.core.refiner_switch import first_refiner_step, nearest_step
from fooocus_ext.errors import RequestError
from fooocus_ext.fields import as_widget_value
from fooocus_ext.tab.actions import request_for
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.widgets import DEFAULTS, NAMES, WIDGETS


def choices(**values):
    return read_choices([{**DEFAULTS, **values}[name] for name in NAMES])


def test_the_defaults_are_fooocus_own():
    given_choices = choices()
    assert given_choices.settings.performance == "Speed"
    assert given_choices.settings.aspect_ratio == "1152*896"
    assert given_choices.settings.enabled
    assert (given_choices.seed, given_choices.steps, given_choices.size) == (None, None, None)
    assert given_choices.image_number == 2


def test_fooocus_v2_among_the_styles_is_the_expansion():
    assert choices(styles='["Fooocus V2"]').settings.expansion
    assert not choices(styles='["Fooocus Sharp"]').settings.expansion


def test_a_forced_side_keeps_the_other_of_the_aspect_ratio():
    found = choices(width=512)
    assert found.size == (512, 896)
    assert found.settings.aspect_ratio == HOST_CHOICE


def test_an_emptied_box_forces_nothing():
    asked = choices(steps=None, switch_step=None, width=None, height=None)
    assert (asked.steps, asked.switch_step, asked.size) == (None, None, None)


def test_forced_steps_are_kept_from_the_performance():
    found = choices(steps=12)
    assert (found.steps, found.settings.keep) == (12, ("steps",))
    assert choices().settings.keep == ()


def test_nothing_is_forced_by_0():
    found = choices(steps=0, switch_step=0, refiner="r", refiner_switch=0.5)
    assert (found.steps, found.switch_step, found.settings.keep) == (None, None, ())
    assert found.settings.refiner_switch == 0.5
    assert "steps" not in request_for(found)


@pytest.mark.parametrize(("steps", "step"), [(30, 18), (30, 4), (60, 59), (7, 1), (200, 199)])
def test_the_refiner_switches_at_the_step_that_is_forced_under_each_rule_that_counts(steps, step):
    found = choices(refiner="r", steps=steps, switch_step=step)
    share = float(f"{found.settings.refiner_switch:.4g}")  # no worse than an infotext's
    assert first_refiner_step(share, total_calls=steps, steps=steps) == step
    assert nearest_step(share, steps=steps) == step
    assert first_refiner_step(share, total_calls=2 * steps, steps=steps) == step


def test_a_switch_behind_the_last_step_is_none():
    assert choices(refiner="r", switch_step=30).settings.refiner_switch == 1.0


def test_a_forced_switch_step_means_nothing_without_a_refiner():
    assert choices(refiner_switch=0.5, switch_step=1).settings.refiner_switch == 0.5


def test_a_lora_that_is_switched_off_is_left_out():
    found = choices(lora_1="a", lora_2="b", lora_on_1=False)
    assert found.loras == (("b", 1.0),)


def test_empty_lora_slots_and_weights_of_zero_are_left_out():
    found = choices(lora_1="a", lora_weight_1=0.5, lora_3="b", lora_weight_3=0.0)
    assert found.loras == (("a", 0.5),)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("width", 257, "Forced width"),
        ("height", 8, "Forced height"),
        ("image_number", 33, "Image number"),
        ("image_number", 0, "Image number"),
        ("guidance_scale", 31, "Guidance scale"),
        ("guidance_scale", "4", "Guidance scale"),
        ("seed", "-1", "Seed"),
        ("seed", str(2**63), "Seed"),
        ("performance", "Fast", "Performance"),
        ("aspect_ratio", "1152*897", "Aspect ratio"),
        ("styles", "{}", "Styles"),
        ("styles", "[1]", "Styles"),
        ("prompt", None, "Prompt"),
        ("private", "yes", "Private"),
        ("sharpness", float("nan"), "Sharpness"),
        ("switch_step", 2, "Forced refiner switch step"),
        ("lora_on_1", None, "LoRA 1 on"),
    ],
)
def test_a_refused_value_is_named(field, value, named):
    values = {"seed": {"random_seed": False}, "switch_step": {"refiner": "r"}}.get(field, {})
    with pytest.raises(RequestError) as error:
        choices(**values, **{field: value})
    assert named.lower() in error.value.detail.lower()


@given(
    st.sampled_from(NAMES),
    st.one_of(
        st.none(),
        st.text(max_size=30),
        st.floats(),
        st.lists(st.integers(), max_size=3),
        st.integers(),
        st.booleans(),
    ),
)
def test_whatever_a_client_sends_is_read_or_refused(name, value):
    with contextlib.suppress(RequestError):
        choices(**{name: value})


def test_a_page_of_another_version_is_told_to_reload():
    with pytest.raises(RequestError, match="reload"):
        read_choices([1, 2])


def test_every_default_is_a_value_that_its_widget_accepts():
    for widget in WIDGETS:
        assert as_widget_value(widget.read(widget.default)) == widget.default

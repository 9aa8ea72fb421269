"""The infotext: our entries, written and read back."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fooocus_ext import args, infotext
from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, Settings
from fooocus_ext.fields import as_widget_value
from tests.strategies import legal

_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def through_the_webui(entries):
    """Return entries as the webui (1.6 to 1.10) writes them into an infotext and reads them back."""
    written = []
    for key, value in entries.items():
        wants_quotes = any(character in value for character in ",\n:")
        shown = json.dumps(value, ensure_ascii=False) if wants_quotes else value
        written.append(f"{key}: {shown}")
    found = {}
    for key, value in _PARAMETER.findall(", ".join(written).strip()):
        quoted = value and value[0] == value[-1] == '"'
        found[key] = json.loads(value) if quoted else value
    return found


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example('"a, b: c"')
@example('"a')
@example("  ")
@example("")
@example("a\r")
def test_any_text_comes_back_to_the_byte(text):
    entries = {infotext.PROMPT: infotext.entry([text], varies=True), "Version": "v1.10.1"}
    assert through_the_webui(entries) == {infotext.PROMPT: text, "Version": "v1.10.1"}


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("a cat", False),
        ("a cat\nin rain", False),
        (" a cat", True),
        ("a \n b", True),
        ("a\rb", True),
    ],
)
def test_a_typed_text_is_recorded_where_the_webuis_own_prompt_would_not_give_it_back(
    typed, recorded
):
    assert infotext.replaced([typed], [typed]) == [typed if recorded else None]


@pytest.mark.parametrize(
    ("prompt", "recorded"),
    [
        ("a cat", False),
        ("a cat\nNegative prompt: ugly", True),
        ("a cat\n Negative prompt:ugly", True),
        ("a cat, Negative prompt: ugly", False),
    ],
)
def test_a_negative_prompt_is_recorded_behind_a_prompt_that_seems_to_begin_it(prompt, recorded):
    found = infotext.replaced(["blurry", ""], ["blurry", ""], behind=[prompt, prompt])
    assert found == (["blurry", ""] if recorded else [None, None])


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), max_size=4
    )
)
@example(['"quoted"'])
@example(["a, b", " c "])
@example(["[x"])
def test_any_names_of_styles_come_back_to_the_byte(names):
    settings = Settings().replace(enabled=True, styles=names)
    entries = through_the_webui(infotext.settings_entries(settings))
    assert infotext.field_values(entries)["styles"] == names


@given(legal.map(lambda values: {**values, "enabled": True}))
def test_the_infotext_round_trip_keeps_everything_that_text_can_hold(values):
    settings = args.parse([values])
    entries = infotext.settings_entries(settings)
    assert all(isinstance(text, str) for text in entries.values())
    entries = through_the_webui(entries)
    kept = settings.replace(
        **{name: FIELDS_BY_NAME[name].default for name in infotext.without_effect(settings)}
    )
    for field in FIELDS:
        value = infotext.field_value(field, entries)
        expected = as_widget_value(getattr(kept, field.name))
        if field.kind == "number":
            assert value == pytest.approx(expected, rel=1e-9)
        else:
            assert value == expected


@given(st.dictionaries(st.sampled_from([f.infotext for f in FIELDS]), st.text(max_size=20)))
def test_any_infotext_gives_legal_values(entries):
    for field in FIELDS:
        value = infotext.field_value(field, entries)
        if value is not None:
            field.check(value)


def test_an_infotext_without_us_switches_off_and_touches_nothing_else():
    values = {f.name: infotext.field_value(f, {"Steps": "20"}) for f in FIELDS}
    assert values.pop("enabled") is False
    assert set(values.values()) == {None}


def test_fields_that_an_infotext_does_not_mention_go_back_to_their_defaults():
    entries = {"Fooocus": "True", "Fooocus sharpness": "9.5"}
    values = {f.name: infotext.field_value(f, entries) for f in FIELDS}
    settings = Settings(enabled=True, sharpness=9.5)
    assert values == {f.name: as_widget_value(getattr(settings, f.name)) for f in FIELDS}


def test_only_what_is_not_the_default_is_written():
    assert infotext.settings_entries(Settings(enabled=True)) == {"Fooocus": "True"}
    assert (
        infotext.settings_entries(Settings(enabled=True, adm_end=0.25))["Fooocus ADM end"] == "0.25"
    )


def test_how_a_refiner_takes_over_is_written_where_there_can_be_one():
    asked = {"enabled": True, "refiner_switch": 0.5, "refiner_method": "separate"}
    names = {"Fooocus refiner switch", "Fooocus refiner method"}
    assert not names & infotext.settings_entries(Settings(**asked)).keys()
    for more in ({"refiner": "r.safetensors"}, {"preset": "default"}):
        assert names <= infotext.settings_entries(Settings(**asked, **more)).keys()

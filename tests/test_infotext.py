"""The infotext: our entries, written and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext import args, infotext
from fooocus_ext.args import FIELDS, Settings
from tests.strategies import legal


@given(legal.map(lambda values: {**values, "enabled": True}))
def test_the_infotext_round_trip_keeps_everything_that_text_can_hold(values):
    settings = args.parse([values])
    entries = infotext.settings_entries(settings)
    assert all(isinstance(text, str) for text in entries.values())
    for field in FIELDS:
        value = infotext.field_value(field, entries)
        expected = settings.as_dict()[field.name]
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
    assert values == Settings(enabled=True, sharpness=9.5).as_dict()


def test_only_what_is_not_the_default_is_written():
    assert infotext.settings_entries(Settings(enabled=True)) == {"Fooocus": "True"}
    assert (
        infotext.settings_entries(Settings(enabled=True, adm_end=0.25))["Fooocus ADM end"] == "0.25"
    )

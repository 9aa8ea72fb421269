"""The table of an edit: its names and ranges, what a mode uses, and what is refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext import edit
from fooocus_ext.edit import FIELDS, FIELDS_BY_NAME, MODES, Edit
from fooocus_ext.errors import RequestError

FROZEN = [
    ("mode", "inpaint"),
    ("mask_invert", False),
    ("mask_grow", 0),
    ("mask_threshold", 127),
    ("feather", 32),
    ("outpaint_left", 0.0),
    ("outpaint_right", 0.0),
    ("outpaint_top", 0.0),
    ("outpaint_bottom", 0.0),
    ("outpaint_to", "None"),
    ("strength", None),
    ("field", None),
    ("engine", "auto"),
    ("additional_prompt", ""),
    ("scale", "1.5x"),
]
VALUES = {
    "flag": st.booleans(),
    "number": st.floats(0.01, 1.0),
    "whole": st.integers(0, 64),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
}


@st.composite
def edits(draw: st.DrawFn) -> dict[str, object]:
    """Draw the values of an edit that its mode uses."""
    mode = draw(st.sampled_from(sorted(MODES)))
    names = draw(st.lists(st.sampled_from(MODES[mode].uses), unique=True))
    left_out = {"outpaint_to", "strength" if mode == "upscale" else "scale"}
    fields = [FIELDS_BY_NAME[name] for name in names if name not in left_out]
    values = {
        f.name: draw(
            st.sampled_from(f.choices) if f.choices else VALUES.get(f.kind, st.just("v2.6"))
        )
        for f in fields
    }
    return {"mode": mode, **values}


def test_names_and_defaults_are_frozen() -> None:
    assert [(field.name, field.default) for field in FIELDS] == FROZEN


@given(edits())
def test_an_edit_comes_back_from_its_dict_and_from_its_infotext(values) -> None:
    made = edit.from_dict(values)
    assert {name: getattr(made, name) for name in values} == values
    assert edit.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert edit.from_text(made.to_text()) == made


@pytest.mark.parametrize("mode", MODES)
def test_fooocus_s_numbers_are_in_effect(mode: str) -> None:
    numbers = {
        "inpaint": (1.0, 0.618, "auto"),
        "detail": (0.5, 0.0, "None"),
        "modify": (1.0, 0.0, "auto"),
        "vary": (0.5, 0.0, "None"),
        "upscale": (0.382, 0.0, "None"),
    }
    made = Edit(mode)
    found = (made.strength_in_effect, made.field_in_effect, made.engine_in_effect)
    assert found == numbers[mode]


def test_outpainting_looks_at_everything_unless_told_otherwise() -> None:
    grown = edit.from_dict({"outpaint_left": 0.3})
    assert (grown.strength_in_effect, grown.field_in_effect) == (1.0, 1.0)
    forced = edit.from_dict({"outpaint_left": 0.3, "strength": 0.9, "field": 0.5})
    assert (forced.strength_in_effect, forced.field_in_effect) == (0.9, 0.5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mask_grow": 65}, "mask_grow: got 65 (number); allowed: a whole number from -64 to 64."),
        ({"mask_grow": 1.5}, "mask_grow: got 1.5 (number); allowed: a whole number"),
        ({"mask_grow": None}, "mask_grow: got null; allowed: a whole number from -64 to 64."),
        ({"strength": 0}, "allowed: a number from 0.01 to 1, or null for the mode's own."),
        ({"field": True}, "field: got true (true/false); allowed: a number from 0 to 1"),
        ({"mode": "Inpaint"}, 'mode: got "Inpaint" (text); allowed: one of "inpaint", "detail"'),
        ({"engine": ""}, 'engine: got "" (text); allowed: a name, or "auto".'),
        ({"additional_prompt": "a" * 20_001}, "allowed: a text of up to 20000 characters."),
        ({"mask_gro": 1}, '"mask_gro" is not a field of an edit (did you mean "mask_grow" or'),
        (
            {"mode": "vary", "outpaint_top": 0.3},
            'outpaint_top: got 0.3 (number); allowed in mode "vary": 0.0, as it is not used.',
        ),
        ({"mode": "detail", "scale": "2x"}, 'allowed in mode "detail": "1.5x"'),
        (
            {"mode": "upscale", "scale": "fast 2x", "strength": 0.5},
            'strength: got 0.5 (number); allowed with scale "fast 2x": null',
        ),
        ({"outpaint_to": "16:9", "outpaint_top": 1}, "beside an amount at a side"),
        ({"outpaint_to": "0*9"}, "allowed: a size such as 1920*1080, a ratio such as 16:9"),
    ],
)
def test_what_is_wrong_is_refused_by_name(values, words: str) -> None:
    with pytest.raises(RequestError) as refusal:
        edit.from_dict(values)
    assert words in refusal.value.detail


def test_a_target_is_a_size_or_a_ratio() -> None:
    assert edit.from_dict({"outpaint_to": "1920*1080"}).target_size == (1920, 1080)
    ratio = edit.from_dict({"outpaint_to": "16:9"})
    assert (ratio.target_ratio, ratio.target_size, ratio.outpaints) == ((16, 9), None, True)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"mode": 1}', '{"x": 1}', "[" * 100_000])
def test_an_infotext_that_states_no_edit_gives_none(text: str) -> None:
    assert edit.from_text(text) is None


def test_the_schema_states_every_field() -> None:
    schema = edit.json_schema()
    assert list(schema["properties"]) == [name for name, _ in FROZEN]
    assert schema["properties"]["strength"]["type"] == ["number", "null"]
    assert schema["properties"]["mask_grow"]["type"] == "integer"

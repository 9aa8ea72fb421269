"""The one table of arguments: what is accepted, what is refused and how."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext import args, fields
from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import MAX_ITEMS
from tests.strategies import legal

FROZEN = [
    ("enabled", False, None),
    ("sharpness", 2.0, (0, 30)),
    ("adm_positive", 1.5, (0.1, 3)),
    ("adm_negative", 0.8, (0.1, 3)),
    ("adm_end", 0.3, (0, 1)),
    ("adaptive_cfg", 7.0, (1, 30)),
    ("refiner", "None", None),
    ("refiner_switch", 0.8, (0.1, 1)),
    ("refiner_method", "joint", ("joint", "separate", "vae")),
    ("expansion", True, None),
    ("styles", (), None),
    (
        "performance",
        "webui",
        ("webui", "Speed", "Quality", "Extreme Speed", "Lightning", "Hyper-SD"),
    ),
    ("aspect_ratio", "webui", None),
    ("preset", "None", None),
    (
        "keep",
        (),
        (
            "steps",
            "cfg_scale",
            "sharpness",
            "adm_positive",
            "adm_negative",
            "adm_end",
            "adaptive_cfg",
            "refiner",
            "refiner_switch",
            "refiner_method",
            "expansion",
            "styles",
            "performance",
            "aspect_ratio",
            "sampler",
        ),
    ),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def test_names_defaults_and_ranges_are_frozen():
    table = []
    for field in FIELDS:
        numeric = field.kind == "number"
        limits = (field.minimum, field.maximum) if numeric else field.choices or None
        table.append((field.name, field.default, limits))
    assert table[: len(FROZEN)] == FROZEN


def test_a_closed_list_of_names_takes_no_other_and_says_so():
    with pytest.raises(RequestError, match=r'keep: got .*seed.* out of "steps", "cfg_scale"'):
        Settings().replace(keep=["steps", "seed"])
    items = args.json_schema()["properties"]["keep"]["items"]
    assert items == {"type": "string", "enum": list(args.KEEPABLE)}
    assert Settings().keeping("steps").keeping("refiner", "steps").keep == ("steps", "refiner")


def test_keys_labels_and_infotext_names_are_unique():
    for attribute in ("name", "label", "infotext"):
        assert len({getattr(field, attribute) for field in FIELDS}) == len(FIELDS)


@given(legal)
def test_legal_values_are_taken(values):
    settings = args.parse([values])
    given_values = settings.as_dict()
    for name, default in Settings().as_dict().items():
        assert given_values[name] == values.get(name, default)


@given(legal)
def test_the_settings_are_valid_json_and_come_back(values):
    settings = args.parse([values])
    assert args.parse([json.loads(json.dumps(settings.as_dict()))]) == settings


@given(legal)
def test_positions_mean_the_same_as_names(values):
    settings = args.parse([values])
    assert args.parse(list(settings.as_dict().values())) == settings


@given(legal, st.integers(0, len(FIELDS)))
def test_values_left_out_at_the_end_have_their_defaults(values, count):
    slots = list(args.parse([values]).as_dict().values())[:count]
    expected = Settings().replace(**dict(zip(FIELDS_BY_NAME, slots, strict=False)))
    assert args.parse(slots) == expected


def outcome(function, value):
    """Return what a function makes of a value, or how it refuses it."""
    try:
        return function(value), None
    except RequestError as error:
        return None, error


@given(st.sampled_from(FIELDS), json_values)
def test_any_value_is_either_checked_or_refused_by_name(field, value):
    checked, refusal = outcome(field.check, value)
    if refusal is not None:
        assert refusal.status_code == 422
        assert refusal.detail.startswith(f"{field.name}: got ")
        assert f"allowed: {field.allowed}" in refusal.detail
    else:
        assert isinstance(checked, type(field.default)) or field.kind == "texts"
        if field.kind == "number":
            assert field.minimum <= checked <= field.maximum


@given(st.lists(json_values, max_size=3))
def test_whatever_a_client_sends_is_settings_or_a_refusal(slots):
    settings, refusal = outcome(args.parse, slots)
    if refusal is None:
        assert isinstance(settings, Settings)
    else:
        assert "allowed" in refusal.detail


@given(st.text())
def test_unknown_names_are_refused_with_all_names(name):
    if name in FIELDS_BY_NAME:
        return
    with pytest.raises(RequestError) as caught:
        args.parse([{name: 1}])
    assert all(known in caught.value.detail for known in FIELDS_BY_NAME)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("sharpnes", "sharpness"), ("Refiner", "refiner"), ("adm_negativ", "adm_negative")],
)
def test_the_nearest_name_is_suggested(wrong, meant):
    with pytest.raises(RequestError, match=f'did you mean "{meant}"'):
        args.parse([{wrong: 1}])


@pytest.mark.parametrize("value", [True, False, "2", None, [2], {}, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_for_a_number(value):
    with pytest.raises(RequestError, match=r"sharpness: got .*allowed: a number from 0 to 30"):
        args.parse([{"sharpness": value}])


@pytest.mark.parametrize("value", [10**400, -(10**400), 30.000001, -1e-300])
def test_numbers_out_of_range_are_refused_even_if_huge(value):
    with pytest.raises(RequestError, match="sharpness"):
        args.parse([{"sharpness": value}])


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind == "number"], ids=lambda f: f.name)
def test_the_ends_of_a_range_are_legal_and_the_next_number_is_not(field):
    for end, beyond in ((field.minimum, -math.inf), (field.maximum, math.inf)):
        assert field.check(end) == end
        with pytest.raises(RequestError):
            field.check(math.nextafter(end, beyond))


def test_every_mistake_is_named_at_once():
    with pytest.raises(RequestError) as caught:
        args.parse([{"sharpness": "a", "adm_end": 2, "nope": 1}])
    assert all(word in caught.value.detail for word in ("sharpness", "adm_end", "nope"))


def test_of_hundreds_of_mistakes_the_first_are_named_and_given_hints(monkeypatch):
    hinted = []
    monkeypatch.setattr(fields, "did_you_mean", lambda name, _known: hinted.append(name) or "")
    with pytest.raises(RequestError) as caught:
        args.parse([{f"nope{number}": 1 for number in range(1900)}])
    assert hinted == [f"nope{number}" for number in range(fields.MAX_PROBLEMS)]
    assert caught.value.detail.endswith(" 1890 more were not looked at.")


def test_values_beside_an_object_are_refused_unless_they_are_the_defaults():
    defaults = list(Settings().as_dict().values())
    assert args.parse([{"enabled": True}, *defaults[1:]]) == Settings(enabled=True)
    with pytest.raises(RequestError, match="sharpness is given by position as 3"):
        args.parse([{"enabled": True}, 3])


# --- schema -----------------------------------------------------------------------------------------------


def test_the_schema_states_every_field_and_nothing_else():
    schema = args.json_schema()
    assert list(schema["properties"]) == [field.name for field in dataclasses.fields(Settings)]
    assert schema["additionalProperties"] is False
    sharpness = schema["properties"]["sharpness"]
    assert (sharpness["minimum"], sharpness["maximum"], sharpness["default"]) == (0, 30, 2)
    json.dumps(schema)


def test_a_list_of_names_has_a_longest_length_that_its_refusal_and_the_schema_say():
    most = Settings().replace(styles=["a"] * MAX_ITEMS)
    assert len(most.styles) == MAX_ITEMS
    with pytest.raises(RequestError, match=rf"styles: got .* a list of up to {MAX_ITEMS} names\."):
        Settings().replace(styles=["a"] * (MAX_ITEMS + 1))
    assert args.json_schema()["properties"]["styles"]["maxItems"] == MAX_ITEMS

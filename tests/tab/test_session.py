"""The last session, as a browser gives it back: what can be used of it."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.tab.edits import SWITCH
from fooocus_ext.tab.session import MAX_LENGTH, read_session
from fooocus_ext.tab.widgets import DEFAULTS, WIDGETS
from tests.tab.names import INSTALLED, STYLES

LISTED = {
    "base_model": lambda: INSTALLED.checkpoints,
    "refiner": lambda: ["None", *INSTALLED.checkpoints],
    "lora": lambda: ["None", *INSTALLED.loras],
    "vae": lambda: ["Default", *INSTALLED.vaes],
    "sampler": lambda: ["DPM++ 2M SDE", *INSTALLED.samplers],
    "scheduler": lambda: ["Karras", *INSTALLED.schedulers],
    "upscaler": lambda: ["Automatic"],
}


def session(text):
    return read_session(text, LISTED, STYLES)


def test_every_widget_has_a_list_here():
    assert {widget.listed_as for widget in WIDGETS if widget.kind == "list"} == set(LISTED)


def test_all_that_was_kept_comes_back():
    kept = {
        **DEFAULTS,
        "prompt": "a fox",
        "styles": '["Fooocus V2"]',
        "image_number": 3,
        "seed": "77",
        "random_seed": False,
        "lora_1": INSTALLED.loras[0],
    }
    found = session(json.dumps({**kept, SWITCH: True}))
    assert found.notes == ()
    assert found.values == {name: kept[name] for name in kept if name != SWITCH}


def test_a_checkpoint_is_found_whether_its_hash_is_known_or_not():
    title = next(title for title in INSTALLED.checkpoints if title.endswith("]"))
    bare = title.partition(" [")[0]
    assert session(json.dumps({"base_model": bare})).values == {"base_model": title}
    refiner = next(title for title in INSTALLED.checkpoints if not title.endswith("]"))
    kept = json.dumps({"refiner": f"{refiner} [0123456789]"})
    assert session(kept).values == {"refiner": refiner}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("image_number", 99, "Image number"),
        ("sharpness", "much", "Sharpness"),
        ("performance", "Ludicrous", "Performance"),
        ("styles", "{}", "Selected styles"),
        ("prompt", 7, "Prompt"),
        ("base_model", "gone.safetensors", "not installed"),
        ("lora_2", "gone", "not installed"),
        ("styles", '["No such style at all"]', "No such style"),
    ],
)
def test_what_cannot_be_used_is_told_and_left_out(name, value, said):
    found = session(json.dumps({"negative_prompt": "kept", name: value}))
    assert found.values["negative_prompt"] == "kept"
    assert found.values.get(name) != value
    assert len(found.notes) == 1
    assert said in found.notes[0]


def test_what_other_versions_kept_is_passed_over():
    assert session('{"a_widget_of_tomorrow": 1}').notes == ()


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "1" * 10, '{"a": NaN}', "[" * 5000, " " * (MAX_LENGTH + 1)]
)
def test_what_makes_no_sense_is_told(text):
    found = session(text)
    assert (found.values, len(found.notes)) == ({}, 1)

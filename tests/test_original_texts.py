"""The texts of a picture of Fooocus: read from whoever sends them, and how long they hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.original_texts import MAX_CHARACTERS, MAX_TEXTS, OriginalTexts, fingerprint, read
from tests.strategies import original_texts

FULL = {
    "full_prompt": ["film still of a fox", "a fox, golden light"],
    "full_negative_prompt": ["cartoon", ""],
    "prompt_expansion": "a fox, golden light",
    "styles": ["Fooocus V2", "sai-cinematic"],
    "of": "0123456789abcdef",
}


def test_what_fooocus_stores_is_read_and_written_again():
    found = read(FULL)
    assert found == OriginalTexts(
        full_prompt=("film still of a fox", "a fox, golden light"),
        full_negative_prompt=("cartoon", ""),
        prompt_expansion="a fox, golden light",
        styles=("Fooocus V2", "sai-cinematic"),
        of="0123456789abcdef",
    )
    assert found.to_json() == FULL
    assert read(found.to_text()) == read(json.dumps(FULL)) == found


@given(original_texts)
def test_any_texts_come_back(value):
    assert read(read(value).to_text()) == read(value)


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_none(nothing):
    assert read(nothing) is None


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([], "got [] (list)"),
        (5, "got 5 (number)"),
        ("[1", 'got "[1"'),
        ("[" * 100_000, "[[["),
        ({}, "as full_prompt"),
        ({"full_prompt": []}, "as full_prompt"),
        ({"full_prompt": "a fox"}, '"a fox" (text) as full_prompt'),
        ({"full_prompt": [["a"]]}, "as full_prompt"),
        ({"full_prompt": ["a", 5]}, "got 5 (number) as full_prompt"),
        ({"full_prompt": ["a\0"]}, "as full_prompt"),
        ({"full_prompt": ["\ud800"]}, "as full_prompt"),
        ({"full_prompt": ["a"] * (MAX_TEXTS + 1)}, "as full_prompt"),
        ({"full_prompt": ["a" * (MAX_CHARACTERS + 1)]}, f"got {MAX_CHARACTERS + 1} (number)"),
        ({"full_prompt": ["a"], "full_negative_prompt": []}, "as full_negative_prompt"),
        ({"full_prompt": ["a"], "prompt_expansion": "b"}, "as prompt_expansion"),
        ({"full_prompt": ["a"], "prompt_expansion": ["a"]}, "as prompt_expansion"),
        ({"full_prompt": ["a"], "styles": [{}]}, "as styles"),
        ({"full_prompt": ["a"], "of": 5}, "as of"),
        ({"full_prompt": ["a"], "seed": 5}, 'got "seed"'),
    ],
)
def test_what_nobody_could_encode_is_refused_by_name(value, named):
    with pytest.raises(RequestError) as refusal:
        read(value)
    assert refusal.value.detail.startswith("original_texts: got ")
    assert named in refusal.value.detail
    assert "allowed: an object with full_prompt" in refusal.value.detail
    assert len(refusal.value.detail) < 500


@pytest.mark.parametrize(
    "edited",
    [
        {"prompt": "a fix"},
        {"prompt": "a fox\nat dusk, lantern"},
        {"negative_prompt": "blurry, text"},
        {"styles": ["film", "Fooocus V2"]},
        {"styles": []},
        {"expansion": False},
    ],
)
def test_texts_hold_until_what_they_came_from_is_edited(edited):
    made_of = {
        "prompt": "a fox\nat dusk",
        "negative_prompt": "blurry",
        "styles": ["Fooocus V2", "film"],
        "expansion": True,
    }
    texts = OriginalTexts(("a",), of=fingerprint(**made_of))
    assert texts.hold_for(**made_of)
    assert not texts.hold_for(**{**made_of, **edited})
    assert OriginalTexts(("a",)).hold_for(**{**made_of, **edited})


def test_what_the_webui_adds_and_trims_is_no_edit():
    typed = fingerprint("a fox\nat dusk", "", ["film"], expansion=False)
    assert typed == fingerprint("a fox \n\n at dusk <lora:a:0.5>\n", " ", ["film"], expansion=False)


@given(st.text(), st.text())
def test_any_text_has_a_fingerprint(prompt, negative_prompt):
    digits = fingerprint(prompt, negative_prompt, [], expansion=True)
    assert len(digits) == 16
    assert int(digits, 16) >= 0

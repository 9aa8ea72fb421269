"""What an infotext states, and what it means where it states nothing."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.metadata.infotext import from_infotext

OURS = {"Fooocus": "True"}


def test_tags_leave_with_the_blanks_before_them():
    prompt = "a fox  <lora:film:.5> <lora:ink:-1.25>, at dusk <lora:odd:x>"
    found = from_infotext({"Prompt": prompt})
    assert found.prompt == "a fox, at dusk <lora:odd:x>"
    assert found.loras == (("film", 0.5), ("ink", -1.25))


def test_a_tag_in_a_comment_is_no_lora():
    prompt = "a fox <lora:film:1> # or <lora:ink:1>\nat dusk <lora:oil:2>"
    found = from_infotext({"Prompt": prompt})
    assert found.prompt == "a fox # or <lora:ink:1>\nat dusk"
    assert found.loras == (("film", 1.0), ("oil", 2.0))


def test_a_picture_of_ours_that_names_no_vae_had_the_checkpoints_own():
    assert from_infotext({"Prompt": "a fox", **OURS}).vae == "Default (model)"
    assert from_infotext({"Prompt": "a fox", "VAE": "good.pt", **OURS}).vae == "good.pt"
    assert from_infotext({"Prompt": "a fox", "Module 1": "good", **OURS}).vae is None
    assert from_infotext({"Prompt": "a fox"}).vae is None  # a webui can be told not to name it


def test_a_picture_of_the_webui_had_no_refiner_that_it_does_not_name_and_no_fast_mode():
    found = from_infotext({"Prompt": "a fox", "Steps": "20", "Sampler": "Euler a"})
    assert (found.refiner, found.performance, found.steps) == ("None", "Speed", 20)
    assert from_infotext({"Prompt": "a fox", "Refiner": "late [12]"}).refiner == "late [12]"
    ours = from_infotext({"Prompt": "a fox", "Steps": "20", **OURS})
    assert (ours.refiner, ours.performance) == ("None", "Speed")
    fast = from_infotext({"Prompt": "a fox", "Fooocus performance": "Lightning", **OURS})
    assert fast.performance == "Lightning"


def test_what_counts_by_picture_is_said():
    arrays = from_infotext({"Prompt": "a [[red, blue]] house", **OURS})
    assert ["arrays" in problem for problem in arrays.problems] == [True]
    counted = {"Prompt": "a __colour__ house", "Fooocus wildcards in order": "True", **OURS}
    assert ["Wildcards" in problem for problem in from_infotext(counted).problems] == [True]
    assert from_infotext({"Prompt": "a [red|blue] house", **OURS}).problems == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [("Fooocus styles", json.dumps(["a"] * 501)), ("Fooocus sharpness", "very")],
)
def test_what_our_own_entries_state_and_cannot_be_read_is_said(key, value):
    (problem,) = from_infotext({"Prompt": "p", "Fooocus": "True", key: value}).problems
    assert problem.startswith(f'{key} is left out: "{value[:60]}" cannot be used; allowed: a ')


def test_the_strength_of_an_edit_is_not_left_over():
    entries = {"Prompt": "a fox", "Denoising strength": "0.3", **OURS}
    assert from_infotext(entries).others == {"Denoising strength": "0.3"}
    edited = {**entries, "Fooocus edit": '{"mode": "vary", "strength": 0.3}'}
    assert from_infotext(edited).others == {}
    assert from_infotext({**entries, "Fooocus edit": "?"}).others == {"Denoising strength": "0.3"}

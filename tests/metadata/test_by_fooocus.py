"""Pictures of Fooocus: the texts that were encoded, and what Fooocus means without saying it."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.original_texts import MAX_CHARACTERS, MAX_TEXTS

PICTURE = {
    "prompt": "a fox",
    "negative_prompt": "",
    "styles": "['Fooocus V2', 'Their Film']",
    "full_prompt": ["film still of a fox", "a fox, golden light"],
    "full_negative_prompt": ["cartoon", "phone snapshot"],
    "prompt_expansion": "a fox, golden light",
    "performance": "Speed",
    "steps": 30,
    "refiner_model": "refiner",
    "refiner_switch": 0.6,
    "seed": "7",
    "metadata_scheme": "fooocus",
    "version": "Fooocus v2.5.5",
}


def read(**changed):
    found = read_fooocus_settings(json.dumps({**PICTURE, **changed}))
    assert found is not None
    return found


def texts_of(**changed):
    texts = read(**changed).arguments["original_texts"]
    return texts and texts.to_json()


def test_the_encoded_texts_are_kept_with_the_expansion_and_fooocus_names_of_styles():
    assert texts_of() == {
        "full_prompt": ["film still of a fox", "a fox, golden light"],
        "full_negative_prompt": ["cartoon", "phone snapshot"],
        "prompt_expansion": "a fox, golden light",
        "styles": ["Fooocus V2", "Their Film"],
    }


def test_a_text_that_is_no_expansion_counts_like_the_others():
    assert "prompt_expansion" not in texts_of(prompt_expansion="")
    assert "prompt_expansion" not in texts_of(prompt_expansion="another")


def test_embeddings_are_called_as_in_the_webui_in_every_text():
    weighed = "a fox, (embedding:sub/mood.pt:1.2)"
    texts = texts_of(full_prompt=["a", weighed], prompt_expansion=weighed)
    assert texts["full_prompt"][1] == texts["prompt_expansion"] == "a fox, (mood:1.2)"


@pytest.mark.parametrize(
    "wrong",
    [
        "film still of a fox",
        {"0": "a"},
        [],
        [["a"]],
        ["a", None],
        [5],
        ["a\0"],
        ["a"] * (MAX_TEXTS + 1),
        ["a" * (MAX_CHARACTERS // 2)] * 3,
    ],
)
def test_texts_that_are_none_are_left_out_with_a_word(wrong):
    found = read(full_prompt=wrong)
    assert found.arguments.get("original_texts") is None
    (problem,) = found.problems
    assert "left out" in problem
    assert len(problem) < 600
    assert found.prompt == "a fox"


def test_rendering_is_fooocus_and_what_is_not_stated_is_its_default():
    found = read()
    assert found.arguments["rendering"] == "Fooocus"
    assert (found.adaptive_cfg, found.refiner_method, found.image_number) == (7.0, "joint", 1)
    stated = read(adaptive_cfg=5, refiner_swap_method="separate", image_number=3)
    assert (stated.adaptive_cfg, stated.refiner_method, stated.image_number) == (5, "separate", 3)


@pytest.mark.parametrize(
    ("version", "clip_skip"),
    [("Fooocus v2.5.5", 1), ("Fooocus v2.4.2", 1), ("Fooocus v2.4.1", 2), ("Fooocus v2", 2)],
)
def test_clip_skip_that_is_not_stated_is_what_that_version_means(version, clip_skip):
    assert read(version=version).clip_skip == clip_skip
    assert read(version=version, clip_skip=3).clip_skip == 3


def test_an_empty_prompt_is_a_prompt():
    found = read(prompt="")
    assert (found.prompt, found.negative_prompt) == ("", "")


@pytest.mark.parametrize(
    ("stated", "step"),
    [
        ({}, 18),
        ({"steps": 20}, 18),  # Fooocus takes the share of the performance's 30 steps
        ({"steps": 18}, 11),  # the steps of an upscale, which it does count
        ({"steps": 20, "overwrite_switch": 7}, 7),
        ({"steps": 12}, 12),  # never
    ],
)
def test_the_refiner_takes_over_at_the_step_at_which_it_did(stated, step):
    found = read(**stated)
    assert round(found.steps * found.refiner_switch) == step
    assert found.overwrite_switch is None or "overwrite_switch" not in stated


def test_without_a_refiner_its_switch_is_left_alone():
    found = read(refiner_model="None", steps=20)
    assert found.refiner_switch == 0.6


def test_our_own_pictures_say_all_they_mean():
    found = read(version="sd-webui-fooocus 1.0.0")
    assert "rendering" not in found.arguments
    assert found.arguments.get("original_texts") is None
    assert found.image_number is None

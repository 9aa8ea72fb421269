"""The texts of the a1111 scheme taken apart, and those of a log put together: only where that is sure."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.prompting.styles import Style, StyleLibrary

FILM = Style("film", "film still of {prompt}, grain", "cartoon")
SOFT = Style("soft", "soft light\nmist", "")
NEGATIVE = Style("negative", "", "ugly")
LIBRARY = StyleLibrary((NEGATIVE, FILM, SOFT))
LAST_LINE = "Steps: 30, Seed: 1, Raw prompt: {}, Raw negative prompt: {}, Version: Fooocus v2.5.5"


def texts_of(positive, negative, prompt, negative_prompt, library=LIBRARY):
    """Return the texts read from what Fooocus writes of these (``', '.join`` of each list)."""
    last = LAST_LINE.format(json.dumps(prompt), json.dumps(negative_prompt))
    below = f"\nNegative prompt: {', '.join(negative)}" if ", ".join(negative) else ""
    found = read_fooocus_settings(f"{', '.join(positive)}{below}\n{last}", library)
    texts = found.arguments["original_texts"]
    return texts and (
        list(texts.full_prompt),
        list(texts.full_negative_prompt),
        texts.prompt_expansion,
    )


@pytest.mark.parametrize(
    ("positive", "negative", "prompt", "negative_prompt"),
    [
        (["a cat"], [""], "a cat", ""),
        (["a cat", "rain, night"], ["ugly", "text"], "a cat\nrain, night", "ugly\ntext"),
        (["film still of a cat, grain", "rain"], ["cartoon", "blurry"], "a cat\nrain", "blurry"),
        (["soft light", "mist", "film still of a cat, grain"], ["cartoon"], "a cat", ""),
        (["a cat", "soft light", "mist"], ["ugly"], "a cat", ""),
    ],
)
@pytest.mark.parametrize("expansion", ["", "a cat, golden light, sharp"])
def test_they_are_told_apart_by_the_styles_that_are_here(
    positive, negative, prompt, negative_prompt, expansion
):
    positive = [*positive, expansion] if expansion else positive
    found = texts_of(positive, negative, prompt, negative_prompt)
    assert found == (positive, negative, expansion)


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (["photo of a cat", "film still of a cat, grain"], ["cartoon"]),
        (["film still of a cat, grain", "photo of a cat"], ["cartoon"]),
        (["film still of a cat, grain"], ["cartoon", "of another style"]),
    ],
)
def test_with_a_style_that_is_not_here_nothing_is_guessed(positive, negative):
    assert texts_of(positive, negative, "a cat", "") is None


LOGGED = {
    "Prompt": "a cat\nrain",
    "Negative Prompt": "text",
    "Fooocus V2 Expansion": "a cat, golden light",
    "Styles": "['Fooocus V2', 'film', 'negative']",
    "Version": "Fooocus v2.3.0",
}


def test_a_log_names_styles_and_has_the_expansion():
    texts = read_fooocus_settings(LOGGED, LIBRARY).arguments["original_texts"]
    assert texts.to_json() == {
        "full_prompt": ["film still of a cat, grain", "rain", "a cat, golden light"],
        "full_negative_prompt": ["cartoon", "ugly", "text"],
        "prompt_expansion": "a cat, golden light",
        "styles": ["Fooocus V2", "film", "negative"],
    }


@pytest.mark.parametrize(
    "changed", [{"Styles": "['Fooocus V2', 'theirs']"}, {"Fooocus V2 Expansion": ""}]
)
def test_a_log_without_them_has_no_texts(changed):
    found = read_fooocus_settings({**LOGGED, **changed}, LIBRARY)
    assert found.arguments["original_texts"] is None

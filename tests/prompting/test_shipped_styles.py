"""The styles and wildcards that come with the extension, read as a strict editor would."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import lookup_key
from fooocus_ext.prompting.wildcards import Wildcards

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = load_styles([ROOT / "styles"])
NEGATIVE_ONLY = {"Fooocus Enhance", "Fooocus Semi Realistic", "Fooocus Negative"}


def words(text):
    return set(re.findall(r"[a-z0-9]+", text.casefold()))


FILLER = words("a an and as at by from in into like no of on or prompt that the to with")
# Living artists, brands and what nobody should be shown unasked.
FORBIDDEN = words("""
    adobe apple canon disney dreamworks ferrari fujifilm ghibli gucci hasbro hasselblad
    imax kodachrome kodak leica lego lomo marvel mattel minecraft nike nikon nintendo octane pepsi
    photoshop pixar playmobil playstation pokemon polaroid porsche rolex sega simpsons sony
    starbucks technicolor tesla unreal vray zbrush artstation deviantart
    rutkowski artgerm banksy kusama hockney koons hirst richter murakami miyazaki toriyama wlop
    loish mignola sorayama beeple samdoesarts
    nude nudity naked nsfw sexy sensual erotic lingerie lewd fetish suggestive seductive
    cigarette drug drugs nazi swastika suicide corpse
""")
# Unpleasant things may only be asked away.
ONLY_NEGATIVE = words("blood gore severed mutilated")
FOOOCUS_STYLES = (
    "Enhance",
    "Sharp",
    "Cinematic",
    "Photograph",
    "Masterpiece",
    "Semi Realistic",
    "Negative",
    "Pony",
)


def likeness(one, other):
    first, second = words(one) - FILLER, words(other) - FILLER
    return len(first & second) / len(first | second)


def test_everything_loads_in_at_least_a_dozen_groups_of_several():
    assert not LIBRARY.problems
    assert len(LIBRARY) >= 120
    assert len(LIBRARY.groups) >= 12
    assert all(len(styles) >= 6 for styles in LIBRARY.groups.values())
    assert "cinematic-default" in LIBRARY.names


def test_names_are_unique_also_as_fooocus_would_spell_them():
    keys = [lookup_key(style.name) for style in LIBRARY.styles]
    entries = sum(
        path.read_text("utf-8").count('"name"') for path in (ROOT / "styles").glob("*.json")
    )
    assert len(set(keys)) == len(keys) == entries


def test_fooocus_default_styles_exist():
    for name in FOOOCUS_STYLES:
        assert f"Fooocus {name}" in LIBRARY


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_reads_well(style):
    assert style.prompt.count("{prompt}") == (style.name not in NEGATIVE_ONLY)
    if style.prompt:
        assert 10 <= len(style.prompt.split()) <= 45
    assert 4 <= len(style.negative_prompt.split(",")) <= 14
    for text in (style.prompt, style.negative_prompt):
        assert text == text.strip()
        assert not re.search(r"\s\s|,,| ,|[\n;|<>()\[\]]|\.$|,$|__", text)
        parts = [part.strip() for part in text.split(",") if part]
        assert len(set(parts)) == len(parts)
        assert text.isascii()
    assert not set(style.prompt.split(", ")) & set(style.negative_prompt.split(", "))


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_names_no_artist_no_brand_and_nothing_unsafe(style):
    everything = f"{style.name} {style.prompt} {style.negative_prompt}"
    assert not words(everything) & FORBIDDEN
    assert not words(style.name + " " + style.prompt) & ONLY_NEGATIVE


def test_the_forbidden_words_would_be_noticed():
    assert words("in the style of LEGO, Sensual") & FORBIDDEN == {"lego", "sensual"}


@pytest.mark.parametrize("part", ["prompt", "negative_prompt"])
def test_no_two_texts_are_nearly_the_same(part):
    texts = {style.name: getattr(style, part) for style in LIBRARY.styles if getattr(style, part)}
    likest = max(
        (likeness(texts[one], texts[other]), one, other)
        for one, other in itertools.combinations(texts, 2)
    )
    assert likest[0] < 0.4, likest


def test_wildcard_files_are_sound_and_resolve_each_other():
    wildcards = Wildcards([ROOT / "wildcards"])
    assert {"color", "animal", "light", "place/city"} <= set(wildcards.names)
    for name in wildcards.names:
        options = wildcards.options(name)
        assert len(options) >= 4
        assert len(set(options)) == len(options)
        for option in options:
            assert not words(option) & FORBIDDEN
            for inner in re.findall(r"__(.+?)__", option):
                assert wildcards.options(inner)

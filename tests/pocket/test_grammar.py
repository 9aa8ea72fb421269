"""Scenes and captions of the pocket model: what a caption names is in the scene."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.pocket import grammar
from tools.pocket.grammar import COLOURS, NUMBERS, PATTERNS, SHAPES, Shapes, Texture, View

SEEDS = st.integers(0, 2**32).map(lambda seed: Random(f"test {seed}"))
COUNTS = {word: count for count, word in enumerate(NUMBERS) if word} | {"a": 1, "an": 1}
COUNTS |= {str(count): count for count in range(1, 5)}


def words_of(caption: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", caption)


@given(SEEDS)
def test_a_scene_holds_only_what_the_grammar_knows(random):
    scene = grammar.draw_scene(random)
    assert scene.style in grammar.STYLES
    if isinstance(scene, Shapes):
        colours = [group.colour for group in scene.groups]
        assert scene.background in COLOURS
        assert scene.background not in colours
        assert len(set(colours)) == len(colours)
        assert 1 <= sum(group.count for group in scene.groups) <= 4
    elif isinstance(scene, Texture):
        assert len(set(scene.colours)) == 2
        assert scene.pattern in PATTERNS[1:]
    else:
        assert scene.place in grammar.PLACES
        assert (scene.subject is None) == (scene.colour is None)


@given(SEEDS)
def test_a_complete_caption_can_be_turned_back_into_its_scene(random):
    scene = grammar.draw_shapes(random)
    caption = grammar.complete_caption(scene, random)
    shapes, _, background = re.fullmatch(
        r"(.+?)(?:( on )|, )(?:an? )?(\w+)(?: background)?", caption
    ).groups()
    assert background == scene.background
    described = shapes.split(" and ")
    assert len(described) == len(scene.groups)
    for text, group in zip(described, scene.groups, strict=True):
        words = text.split()
        assert COUNTS[words.pop(0)] == group.count
        assert ("small" in words) == (not group.large)
        assert words[-1].removesuffix("s") == group.shape
        assert [word for word in words if word in COLOURS] == [group.colour]
        assert [word for word in words if word in PATTERNS] == (
            [] if group.pattern == "plain" else [group.pattern]
        )


@given(SEEDS)
def test_a_caption_names_nothing_that_is_not_in_the_scene(random):
    scene = grammar.draw_scene(random)
    caption = grammar.describe(scene, random)
    words = set(words_of(caption))
    if isinstance(scene, View):
        subjects = {name for name in grammar.SUBJECTS if re.search(rf"\b{name}\b", caption)}
        named = max(subjects, key=len, default=None)  # "old man" holds "man"
        assert named in {None, scene.subject}
        assert (words & COLOURS.keys()) - {"green", "blue", scene.colour} == set()
    else:
        shown = (
            {scene.background, *(group.colour for group in scene.groups)}
            if isinstance(scene, Shapes)
            else set(scene.colours)
        )
        assert words & COLOURS.keys() == shown
        singular = {word.removesuffix("s") for word in words}
        kinds = {group.shape for group in scene.groups} if isinstance(scene, Shapes) else set()
        assert singular & set(SHAPES) == kinds


SHOWN_IN = {
    "blue sky": {"clear"},
    "starry": {"clear"},
    "moonlight": {"clear", "cloudy"},
    "sand": {"clear", "cloudy", "rain", "fog"},
    "green hills": {"clear", "cloudy", "rain", "fog"},
}
"""phrase -> the weathers in which a picture shows it"""


@pytest.mark.parametrize("phrase", SHOWN_IN)
def test_a_caption_promises_nothing_that_the_weather_hides(phrase):
    found = set()
    for seed in range(6000):
        random = Random(seed)
        scene = grammar.draw_scene(random)
        if phrase in grammar.describe(scene, random) and isinstance(scene, View):
            found.add(scene.weather)
    assert found == SHOWN_IN[phrase]


@pytest.mark.parametrize(
    ("style", "marks"),
    [("sketch", "sketch drawing"), ("pixel art", "pixel"), ("sepia", "sepia vintage")],
)
def test_a_style_is_always_named_and_never_without_need(style, marks):
    marks = set(marks.split())
    for seed in range(60):
        random = Random(seed)
        view = View("city", "day", "clear", "house", "red")
        plain = set(words_of(grammar.describe(view, random)))
        styled = View("city", "day", "clear", "house", "red", style)
        assert not plain & marks
        assert set(words_of(grammar.describe(styled, random))) & marks


def test_an_article_suits_the_word_after_it():
    for seed in range(400):
        random = Random(seed)
        caption = grammar.describe(grammar.draw_scene(random), random)
        assert not re.search(r"\b(a [aeiou]|an [^aeiou])", caption), caption


def test_the_same_seed_draws_the_same_scene_and_caption():
    drawn = [
        [grammar.describe(grammar.draw_scene(random), random) for _ in range(20)]
        for random in (Random(5), Random(5), Random(6))
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_all_of_the_grammar_is_drawn():
    random = Random(1)
    scenes = [grammar.draw_scene(random) for _ in range(4000)]
    views = [scene for scene in scenes if isinstance(scene, View)]
    groups = [group for scene in scenes if isinstance(scene, Shapes) for group in scene.groups]
    assert {view.subject for view in views} == {None, *grammar.SUBJECTS}
    assert {view.place for view in views} == set(grammar.PLACES)
    assert {view.time for view in views} == set(grammar.TIMES)
    assert {view.weather for view in views} == set(grammar.WEATHERS)
    assert {scene.style for scene in scenes} == set(grammar.STYLES)
    assert {group.shape for group in groups} == set(SHAPES)
    assert {group.pattern for group in groups} == set(PATTERNS)
    assert {group.colour for group in groups} == set(COLOURS)
    assert 0.3 < sum(isinstance(scene, Shapes) for scene in scenes) / len(scenes) < 0.4

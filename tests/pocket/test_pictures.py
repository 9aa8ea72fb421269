"""Pictures of the pocket model's training: what they show, and what their numbers say of them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tools.pocket import pictures
from tools.pocket.grammar import (
    COLOURS,
    PLACES,
    STYLES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Group,
    Shapes,
    Texture,
    View,
    draw_scene,
)
from tools.pocket.painting import paint

SIZE = (64, 64)


def painted(scene, seed: int = 1, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.asarray(paint(scene, size, Random(seed)), dtype=np.float64)


def detail(picture: np.ndarray) -> float:
    return float(ndimage.laplace(np.asarray(picture, dtype=np.float64), axes=(0, 1)).var())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(64, 64), (96, 64), (64, 96)]))
def test_any_seed_gives_a_picture_with_numbers_that_fit(seed, size):
    example = pictures.draw_example(Random(seed), size)
    width, height = size
    assert example.picture.shape == (height, width, 3)
    assert example.picture.dtype == np.uint8
    assert example.caption
    assert example.target == (height, width)
    assert 0 <= example.crop[0] <= height // 4
    assert 0 <= example.crop[1] <= width // 4
    assert pictures.SMALLEST <= min(example.original) <= pictures.LARGEST
    assert example.original[0] / example.original[1] == pytest.approx(height / width, rel=0.05)


def test_the_same_seed_gives_the_same_picture_whatever_the_number():
    few, many = (list(pictures.examples(3, number, SIZE)) for number in (2, 4))
    for first, second in zip(few, many, strict=False):
        assert np.array_equal(first.picture, second.picture)
        assert (first.caption, first.original, first.crop) == (
            second.caption, second.original, second.crop,
        )  # fmt: skip
    assert not np.array_equal(many[0].picture, many[1].picture)


def test_the_caption_is_that_of_the_scene_which_the_seed_decides_first(monkeypatch):
    """Training draws new captions of a picture from its seed alone."""
    monkeypatch.setattr(pictures, "describe", lambda scene, _random: repr(scene))
    drawn = [example.caption for example in pictures.examples(3, 20, (16, 16))]
    assert drawn == [repr(draw_scene(Random(f"3 {index}"))) for index in range(20)]
    assert len(set(drawn)) == 20


def test_detail_grows_with_the_original_size_and_then_stays():
    sharp = paint(View("city", "day", "clear", "castle", "red"), (128, 128), Random(2))
    amounts = [detail(pictures.blurred(sharp, share)) for share in (0.125, 0.25, 0.5, 0.75, 1.0)]
    assert amounts == sorted(amounts)
    assert amounts[0] < amounts[-1] / 20
    assert pictures.blurred(sharp, 1.0) is sharp


def test_examples_of_low_original_size_are_the_blurred_ones():
    drawn = list(pictures.examples(5, 60, SIZE))
    low = [detail(e.picture) for e in drawn if min(e.original) < 24]
    high = [detail(e.picture) for e in drawn if min(e.original) >= 64]
    assert len(low) >= 5
    assert len(high) >= 20
    assert np.median(low) < np.median(high) / 5


def test_more_than_half_are_sharp_and_a_quarter_is_cropped():
    random = Random(1)
    sizes = [pictures._original_size(random, 128) for _ in range(1000)]
    assert 0.55 < np.mean([size >= 128 for size in sizes]) < 0.65
    crops = [e.crop != (0, 0) for e in pictures.examples(9, 80, (16, 16))]
    assert 0.1 < np.mean(crops) < 0.4


@pytest.mark.parametrize("colour", COLOURS)
def test_a_shape_has_its_colour_on_its_background(colour):
    background = "white" if colour != "white" else "black"
    picture = painted(Shapes((Group(1, colour, "square"),), background))
    middle, corner = picture[28:36, 28:36].mean(axis=(0, 1)), picture[:2, :2].mean(axis=(0, 1))
    assert np.abs(middle - COLOURS[colour]).max() < 45
    assert np.abs(corner - COLOURS[background]).max() < 65


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_there_are_as_many_shapes_as_the_scene_has(count):
    picture = painted(Shapes((Group(count, "black", "circle"),), "white"), size=(128, 128))
    assert ndimage.label(picture.mean(axis=2) < 128)[1] == count


@pytest.mark.parametrize("pattern", ["striped", "dotted", "checkered"])
def test_a_pattern_changes_colour_many_times(pattern):
    plain = painted(Shapes((Group(1, "blue", "square"),), "white"))
    assert detail(painted(Shapes((Group(1, "blue", "square", pattern),), "white"))) > 1.5 * detail(
        plain
    )
    assert painted(Texture(pattern, ("red", "black"))).std() > 30


def test_night_is_darker_than_day_and_fog_has_less_contrast():
    views = {
        (time, weather): painted(View("meadow", time, weather)).mean(axis=2)
        for time in TIMES
        for weather in WEATHERS
    }
    assert all(views["night", w].mean() < views["day", w].mean() - 30 for w in WEATHERS)
    assert all(views[t, "fog"].std() < views[t, "clear"].std() for t in TIMES)


@pytest.mark.parametrize("place", PLACES)
def test_places_can_be_told_apart(place):
    others = [
        painted(View(other, "day", "clear"), size=(32, 32)) for other in PLACES if other != place
    ]
    own = painted(View(place, "day", "clear"), size=(32, 32))
    assert all(np.abs(own - other).mean() > 5 for other in others)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_is_painted_and_its_colour_shows(subject):
    without = painted(View("meadow", "day", "clear"))
    red, blue = (painted(View("meadow", "day", "clear", subject, c)) for c in ("red", "blue"))
    assert np.abs(red - without).mean() > 2
    assert (red - blue)[..., 0].max() > 60
    assert (red - blue)[..., 2].min() < -60


def test_styles_look_as_they_are_called():
    scene = View("sea", "day", "clear", "boat", "red")
    made = {
        style: painted(
            View(scene.place, scene.time, scene.weather, scene.subject, scene.colour, style)
        )
        for style in STYLES
    }
    sketch, sepia, blocks = made["sketch"], made["sepia"], made["pixel art"]
    assert sketch.std(axis=2).max() < 2
    assert sketch.mean() > 170
    assert (sepia[..., 0] >= sepia[..., 2]).mean() > 0.95
    assert np.array_equal(blocks[::2, ::2], blocks[1::2, 1::2])
    assert made["plain"].std(axis=2).max() > 40


@pytest.mark.parametrize("size", [(96, 48), (48, 96)])
def test_a_picture_of_another_shape_is_filled(size):
    wide = paint(View("desert", "sunset", "clear"), size, Random(1))
    assert wide.size == size
    assert np.asarray(wide).reshape(-1, 3).max(axis=1).min() > 20  # nothing is left black

"""The reader against pictures whose content is known, and the cases that it reads."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from scipy import ndimage

from benchmarks._tunnel import cases, readback
from tools.pocket.grammar import Group, Shapes, Texture, View
from tools.pocket.painting import paint

ACCURACY = 0.95


def picture(scene: Shapes, seed: int = 1) -> np.ndarray:
    return np.asarray(paint(scene, cases.SIZE, Random(seed)), dtype=np.uint8)


def test_true_pictures_are_read_right_in_nineteen_of_twenty_cases():
    drawn = [cases.draw_case(11, 2 * index) for index in range(100)]
    assert all(case.readable for case in drawn)
    right = np.mean(
        [
            readback.follows(case.scene, found)
            for case, found in zip(drawn, cases.true_pictures(drawn, 0), strict=True)
        ],
        axis=0,
    )
    assert (right >= ACCURACY).all(), right


def test_soft_edges_are_read_as_no_pattern():
    drawn = [cases.draw_case(12, 2 * index) for index in range(40)]
    soft = [
        ndimage.gaussian_filter(found, (1.0, 1.0, 0)) for found in cases.true_pictures(drawn, 0)
    ]
    right = [readback.follows(case.scene, found) for case, found in zip(drawn, soft, strict=True)]
    assert (np.mean(right, axis=0) >= 0.9).all(), np.mean(right, axis=0)


@pytest.mark.parametrize(
    "scene",
    [
        Shapes((Group(3, "red", "circle"),), "white"),
        Shapes((Group(1, "teal", "square", "striped"),), "yellow"),
        Shapes((Group(1, "purple", "circle", "checkered"),), "green"),
        Shapes((Group(2, "orange", "circle", "dotted"),), "blue"),
        Shapes((Group(1, "pink", "ring"),), "black"),
        Shapes((Group(4, "white", "heart", large=False),), "brown"),
        Shapes((Group(1, "red", "star"), Group(1, "blue", "square")), "gray"),
    ],
)
def test_what_is_read_is_what_was_painted(scene):
    assert readback.read(picture(scene)) == readback.expected(scene)


def test_a_picture_of_something_else_does_not_follow_the_caption():
    asked = Shapes((Group(3, "red", "circle"),), "white")
    shown = picture(Shapes((Group(2, "blue", "circle", "striped"),), "white"))
    assert readback.follows(asked, shown) == (False, False, False)
    assert readback.follows(asked, picture(replace(asked, background="green"))) == (
        False,
        True,
        True,
    )


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_shapes(level):
    found = readback.read(np.full((128, 128, 3), level, np.uint8))
    assert (found.count, found.colours, found.pattern) == (0, frozenset(), "plain")


def test_noise_is_read_without_an_error():
    readback.read(np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8))


def test_cases_depend_on_seed_and_index_alone():
    assert cases.draw_cases(1, 12)[:6] == cases.draw_cases(1, 6)
    assert cases.draw_cases(1, 6) != cases.draw_cases(2, 6)


def test_half_of_the_cases_can_be_read_back_and_the_others_come_from_the_whole_grammar():
    drawn = cases.draw_cases(1, 200)
    assert all(case.readable for case in drawn[::2])
    kinds = {type(case.scene) for case in drawn[1::2]}
    assert kinds == {Shapes, Texture, View}
    assert len({case.seed for case in drawn}) == 200


def test_copies_of_a_case_show_the_same_scene_with_other_details():
    drawn = cases.draw_cases(1, 2)
    first, again, other = (cases.true_pictures(drawn, copy) for copy in (0, 0, 1))
    assert first.shape == (2, 128, 128, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)

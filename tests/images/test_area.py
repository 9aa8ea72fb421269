"""The part of a picture that is looked at, and its working size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.images import area


@st.composite
def rectangles(draw: st.DrawFn, most: int = 120):
    """Draw a mask that covers a rectangle."""
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom, right = draw(st.integers(top, height - 1)), draw(st.integers(left, width - 1))
    masked = np.zeros((height, width), bool)
    masked[top : bottom + 1, left : right + 1] = True
    return masked


@given(rectangles(), st.floats(0, 1))
def test_it_lies_in_the_picture_and_has_its_share_of_it(masked, field):
    box = area.around(masked, field)
    height, width = masked.shape
    assert 0 <= box.rows.start < box.rows.end <= height
    assert 0 <= box.columns.start < box.columns.end <= width
    assert box.rows.length >= height * field
    assert box.columns.length >= width * field


@given(rectangles(), st.sampled_from([0.0, 0.618, 1.0]))
def test_it_holds_the_mask_but_for_a_line_of_a_tiny_one(masked, field):
    """As in Fooocus, whose half sides of less than 7 pixels have no margin."""
    box = area.around(masked, field)
    rows, columns = masked.any(axis=1).sum(), masked.any(axis=0).sum()
    missed = masked.sum() - masked[box.slices].sum()
    assert missed == 0 or max(rows, columns) <= 14


@pytest.mark.parametrize(
    ("rows", "columns", "field", "expected"),
    [
        # half sides 49 and 24, so 56 of 1.15 times the longer; the middle is (149, 124)
        ((100, 200), (100, 150), 0.0, ((93, 206), (68, 181))),
        # the same at the corner: what lies beyond the picture is lost
        ((0, 100), (0, 50), 0.0, ((0, 106), (0, 81))),
        ((100, 200), (100, 150), 1.0, ((0, 400), (0, 300))),
    ],
)
def test_a_square_around_the_mask_1_15_times_as_long(rows, columns, field, expected):
    masked = np.zeros((400, 300), bool)
    masked[slice(*rows), slice(*columns)] = True
    assert area.around(masked, field) == expected


def test_the_shorter_side_grows_until_both_have_their_share():
    masked = np.zeros((100, 400), bool)
    masked[45:56, 200:211] = True  # a box of 11 in the middle of a wide picture
    box = area.around(masked, 0.5)
    assert box.rows == (0, 100)  # all there are, before the columns go on alone
    assert box.columns.length == 201
    assert abs(box.columns.start + box.columns.end - 411) <= 1


@given(st.integers(16, 9000), st.integers(16, 9000), st.sampled_from([256, 512, 1024]))
def test_a_working_size_is_whole_latents_near_the_wanted_area(width, height, side):
    size = area.working_size((width, height), side)
    assert all(length % 8 == 0 and length > 0 for length in size)
    if max(width, height) / min(width, height) < 4:
        assert side - 128 < math.sqrt(size[0] * size[1]) <= side + 64
    if max(width, height) / min(width, height) < 2 and side > 256:
        # Sides are rounded to 64 again and again: the thinner and smaller, the thinner, as in Fooocus.
        ratio = (size[0] / size[1]) / (width / height)
        assert 0.65 < ratio < 1.5


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((256, 256), 1024, (1024, 1024)),
        ((1000, 1010), 1024, (1000, 1008)),  # has the area, but no whole latents
        ((2048, 1024), 1024, (1408, 704)),
        ((1, 1), 1024, (1024, 1024)),
        ((408, 256), 256, (256, 192)),
    ],
)
def test_known_working_sizes(size, side, expected):
    assert area.working_size(size, side) == expected


def test_a_strip_keeps_both_its_sides():
    assert area.towards((20_000, 8), 1024) == (16_192, 64)


def test_what_is_below_the_working_area_is_small():
    assert area.is_small((960, 960))
    assert not area.is_small((961, 961))
    assert not area.is_small((256, 256), 256)


@given(st.integers(8, 5000), st.integers(8, 5000))
def test_whole_latents_are_the_middle_of_a_picture_but_for_a_pixel(width, height):
    box = area.of_whole_latents((width, height))
    for span, side in zip(box, (height, width), strict=True):
        assert span.length == side // 8 * 8
        assert side - span.end - span.start in (0, 1)
    assert box.corners == (*(span.start for span in box[::-1]), *(span.end for span in box[::-1]))

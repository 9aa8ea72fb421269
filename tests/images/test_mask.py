"""Masks: grown, shrunk, read, softened and pooled, each against a reference that looks at every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fooocus_ext.images import mask

MASKS = arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def distances(masked: np.ndarray) -> np.ndarray:
    """Return each pixel's distance to the nearest masked one, diagonals counting as one."""
    far = np.full(masked.shape, 10**6)
    for row, column in np.argwhere(masked):
        rows, columns = np.ogrid[: masked.shape[0], : masked.shape[1]]
        far = np.minimum(far, np.maximum(abs(rows - row), abs(columns - column)))
    return far


@given(MASKS, st.integers(0, 64))
def test_a_mask_grows_to_all_that_is_near_enough(masked, pixels):
    assert np.array_equal(mask.grown(masked, pixels), distances(masked) <= pixels)


@given(MASKS, st.integers(1, 64))
def test_a_mask_shrinks_from_all_that_is_not_masked_but_not_from_the_picture_s_edge(masked, pixels):
    assert np.array_equal(mask.grown(masked, -pixels), distances(~masked) > pixels)


@given(MASKS, st.integers(-9, 9), st.booleans())
def test_a_mask_is_inverted_after_it_has_grown(masked, pixels, invert):
    grown = mask.grown(masked, pixels)
    assert np.array_equal(mask.adjusted(masked, grow=pixels, invert=invert), grown != invert)


@given(MASKS)
def test_fooocus_s_ramp_loses_8_levels_with_each_pixel(masked):
    levels = np.clip(256 - 8 * distances(masked), 0, 255)
    assert np.array_equal(mask.ramp(masked), levels)


@given(MASKS, st.integers(0, 12))
def test_a_ramp_ends_where_it_is_told_and_falls_all_the_way(masked, width):
    levels, far = mask.ramp(masked, width), distances(masked)
    assert (levels[masked] == 255).all()
    assert np.array_equal(levels > 0, far < max(width, 1))
    for nearer in range(width - 1):
        assert not masked.any() or (levels[far == nearer + 1] < 256 - nearer * 256 // width).all()


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_a_latent_is_masked_if_any_of_its_pixels_is(rows, columns, data):
    masked = np.zeros((rows * 8, columns * 8), bool)
    spots = data.draw(
        st.lists(st.tuples(st.integers(0, rows * 8 - 1), st.integers(0, columns * 8 - 1)))
    )
    for row, column in spots:
        masked[row, column] = True
    expected = {(row // 8, column // 8) for row, column in spots}
    assert {tuple(spot) for spot in np.argwhere(mask.of_latents(masked))} == expected


def test_a_mask_of_no_whole_latents_is_no_mask_of_latents():
    with pytest.raises(ValueError, match="12x8 pixels"):
        mask.of_latents(np.zeros((8, 12), bool))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
def test_a_mask_is_what_is_bright_in_any_mode(mode: str):
    left = np.zeros((4, 6), np.uint8)
    left[:, :3] = 255
    image = Image.fromarray(left).convert(mode)
    assert np.array_equal(mask.read(image, (6, 4)), left > 0)


def test_a_mask_drawn_in_white_on_nothing_is_what_is_drawn():
    image = Image.new("RGBA", (4, 4), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 0, 2, 2))
    expected = np.zeros((4, 4), bool)
    expected[:2, :2] = True
    assert np.array_equal(mask.read(image, (4, 4)), expected)


@given(arrays(np.uint8, (3, 4, 3)), st.integers(0, 254))
def test_the_mean_of_the_channels_is_compared_with_the_threshold(levels, threshold):
    found = mask.read(Image.fromarray(levels), (4, 3), threshold=threshold)
    assert np.array_equal(found, levels.mean(axis=2, dtype=np.float64) > threshold)


def test_a_mask_of_another_size_is_stretched():
    small = Image.fromarray(np.array([[0, 255]], np.uint8))
    found = mask.read(small, (64, 32))
    assert not found[:, :24].any()
    assert found[:, 40:].all()


@given(st.lists(arrays(bool, (3, 5)), max_size=3))
def test_several_masks_cover_what_any_of_them_does(masks):
    found = mask.united(masks, (5, 3))
    assert found.shape == (3, 5)
    for row, column in np.ndindex(3, 5):
        assert found[row, column] == any(each[row, column] for each in masks)

"""Encoding and decoding in overlapping tiles."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext.core import tiling

SIDES = st.integers(2, 20).map(lambda n: n * 8)


@given(SIDES, SIDES)
@settings(deadline=None, max_examples=25)
def test_a_function_of_each_place_alone_comes_out_whole(height, width):
    """Where tiles agree, their blend is what they agree on, whatever the weights."""
    picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))

    def shrink(tile):
        return torch.nn.functional.avg_pool2d(tile, 8)

    found = tiling.averaged(picture, shrink, tile=64, overlap=16, scale=1 / 8)
    torch.testing.assert_close(found, shrink(picture))


@given(st.integers(8, 300), st.integers(8, 300))
@settings(deadline=None, max_examples=50)
def test_a_side_without_whole_latents_is_refused_and_every_other_is_encoded(height, width):
    """An autoencoder drops what is beyond a multiple of 8, of every tile."""

    def shrink(tile):
        return torch.nn.functional.avg_pool2d(tile, 8)

    picture = torch.zeros(1, 3, height, width)
    if height % 8 or width % 8:
        with pytest.raises(ValueError, match="no multiples of 8"):
            tiling.averaged(picture, shrink, tile=64, overlap=16, scale=1 / 8)
    else:
        found = tiling.averaged(picture, shrink, tile=64, overlap=16, scale=1 / 8)
        assert found.shape == (1, 3, height // 8, width // 8)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (40, 100)])
def test_three_tilings_of_square_wide_and_high_tiles(width, height):
    seen = []

    def look(tile):
        seen.append(tuple(tile.shape[2:]))
        return tile

    tiling.averaged(torch.zeros(1, 4, height, width), look, tile=32, overlap=8, scale=1)
    expected = [
        (min(high, height - top), min(wide, width - left))
        for wide, high in ((32, 32), (64, 16), (16, 64))
        for top in range(0, height, high - 8)
        for left in range(0, width, wide - 8)
    ]
    assert seen == expected


def test_weights_fall_towards_the_borders_of_a_tile():
    """Two tiles that disagree: in the overlap the value passes from one's to the other's."""
    tiles = iter(range(100))

    def number(tile):
        return torch.full_like(tile, float(next(tiles)))

    row = tiling._tiled(torch.zeros(1, 1, 8, 28), number, (16, 16), 4, 1)[0, 0, 0]
    assert row[:12].tolist() == [0.0] * 12
    ramp = [0.25 * (i + 1) for i in range(4)]
    blend = [up / (up + down) for up, down in zip(ramp, reversed(ramp), strict=True)]
    assert row[12:16].tolist() == pytest.approx(blend)
    assert math.isclose(float(row[20]), 1.0)

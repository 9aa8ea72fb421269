"""What Vary and Upscale ask for: sizes, steps and the request."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fooocus_ext.args import HOST_CHOICE, Settings
from fooocus_ext.edit import SCALES
from fooocus_ext.errors import RequestError
from fooocus_ext.images.decoding import LONGEST_SIDE, SMALLEST_SIDE
from fooocus_ext.tab.actions import (
    LARGEST_ENLARGED_SIDE,
    LARGEST_SIDE,
    is_diffused,
    request_for,
    upscaled_as_fooocus,
    upscaled_size,
    varied_as_fooocus,
    varied_request,
    varied_size,
)
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.variations import UPSCALES, VARIATIONS
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

sizes = st.tuples(st.integers(64, 4096), st.integers(64, 4096))
lengths = st.integers(SMALLEST_SIDE, LONGEST_SIDE)
thin = st.tuples(lengths, lengths)


def choices(**values):
    return read_choices([{**DEFAULTS, **values}[name] for name in NAMES])


def test_a_request_names_what_the_page_forces_and_nothing_else():
    plain = {"cfg_scale": 4.0, "sampler_name": "DPM++ 2M SDE", "scheduler": "Karras"}
    assert request_for(choices()) == plain
    forced = choices(steps=12, width=512, height=768, scheduler="")
    del plain["scheduler"]
    assert request_for(forced) == {**plain, "steps": 12, "width": 512, "height": 768}


def test_a_varied_picture_has_the_steps_of_the_performance():
    request, settings = varied_request({}, Settings(), VARIATIONS["vary_subtle"], (1024, 960))
    assert (request["width"], request["height"]) == (1024, 960)
    assert "steps" not in request
    assert (settings.aspect_ratio, settings.keep) == (HOST_CHOICE, ())


@pytest.mark.parametrize(("forced", "steps"), [({}, 36), ({"steps": 12}, 12)])
def test_an_upscaled_picture_has_its_own_steps_unless_some_are_forced(forced, steps):
    asked = Settings(performance="Quality")
    request, settings = varied_request(forced, asked, VARIATIONS["upscale_2"], (2304, 1792))
    assert (request["steps"], settings.keep) == (steps, ("steps",))


@given(sizes)
def test_a_varied_size_is_near_what_fooocus_takes(size):
    varied = varied_size(size)
    assert all(length % 8 == 0 and length >= 64 for length in varied)
    side = math.sqrt(size[0] * size[1])
    if 1024 <= side <= 2048:
        assert all(abs(new - old) <= 4 for new, old in zip(varied, size, strict=True))
    elif size[0] == size[1]:
        assert all(1024 <= length <= 2048 for length in varied)


@given(thin, st.sampled_from(["vary_subtle", "upscale_1_5", "upscale_2"]))
@example((16, 40), "upscale_1_5")
@example((20, 100), "upscale_1_5")
@example((32, 16384), "vary_subtle")
def test_a_tiny_or_thin_picture_keeps_its_shape(size, action):
    assume(max(size) * 64 <= min(size) * 2 * LONGEST_SIDE)
    variation = VARIATIONS[action]
    if not variation.enlarges:
        made = varied_size(size)
    else:
        assume(math.sqrt(size[0] * size[1]) * 2 < LARGEST_SIDE)
        _scale, made = upscaled_size(size, variation, may_stay_small=True)
    assert min(made) >= 64
    width, height = sorted(size)
    shorter, longer = sorted(made)
    # each side is rounded by 4 at most
    assert (shorter - 4) / (longer + 4) <= width / height <= (shorter + 4) / (longer - 4)


@given(sizes, st.sampled_from(list(UPSCALES.values())), st.booleans())
@example((1381, 1375), "upscale_2", False)
def test_an_upscaled_size_is_refused_or_within_the_limit(size, action, small):
    variation = VARIATIONS[action]
    side = math.sqrt(size[0] * size[1]) * variation.scale
    grown = variation.scale if small or side >= 1024 else variation.scale * (1024 / side)
    if is_diffused(variation, size):
        grown = max(grown, 64 / min(size))
        expected = tuple(round(length * grown / 8) * 8 for length in size)
    else:
        expected = tuple(round(length * grown) for length in size)
    if math.sqrt(expected[0] * expected[1]) > LARGEST_ENLARGED_SIDE:
        with pytest.raises(RequestError, match=f"^image: got {size[0]}×{size[1]}.*8192"):
            upscaled_size(size, variation, may_stay_small=small)
    else:
        assert upscaled_size(size, variation, may_stay_small=small) == (grown, expected)


def test_a_small_picture_grows_to_the_least_size_unless_small_ones_are_meant():
    twice = VARIATIONS["upscale_2"]
    assert upscaled_size((256, 256), twice, may_stay_small=False) == (4.0, (1024, 1024))
    assert upscaled_size((256, 256), twice, may_stay_small=True) == (2.0, (512, 512))


@pytest.mark.parametrize("size", [(301, 303), (257, 131), (16, 40)])
def test_fast_2x_is_twice_as_large_to_the_pixel(size):
    twice = (size[0] * 2, size[1] * 2)
    assert upscaled_size(size, VARIATIONS["upscale_fast"], may_stay_small=True) == (2.0, twice)


def test_each_scale_of_an_edit_is_one_of_the_buttons():
    assert tuple(UPSCALES) == SCALES
    assert all(VARIATIONS[action].enlarges for action in UPSCALES.values())


@pytest.mark.parametrize(
    ("size", "varied"),
    [
        ((1152, 896), (1152, 896)),  # as it is
        ((1100, 1000), (1100, 1000)),  # also where it is no multiple of 64
        ((256, 256), (1024, 1024)),
        ((500, 300), (1216, 768)),
        ((4000, 3000), (2304, 1728)),
        ((3000, 2000), (2432, 1664)),
    ],
)
def test_fooocus_varies_in_its_own_sizes(size, varied):
    """What Fooocus 2.5.5 itself resizes a picture of that size to."""
    assert varied_as_fooocus(size) == varied


@given(sizes)
@example((114, 306))
def test_what_fooocus_varies_is_within_its_bounds_or_swings_around_them(size):
    varied = varied_as_fooocus(size)
    side = math.ceil(math.sqrt(size[0] * size[1]) / 64) * 64
    if 1024 <= side <= 2048:
        assert varied == size
    elif max(size) < 8 * min(size):
        assert all(length % 64 == 0 for length in varied)
        # Its scale is of a side rounded up by 64 at most, and each length is rounded by 32 at most.
        assert 900 <= math.sqrt(varied[0] * varied[1]) <= 2240


@pytest.mark.parametrize(
    ("size", "scale", "small", "upscaled"),
    [
        ((1152, 896), 1.5, False, (1728, 1344)),
        ((1152, 896), 2.0, False, (2304, 1792)),
        ((833, 1215), 1.5, False, (1249, 1822)),
        ((256, 256), 2.0, False, (1024, 1024)),
        ((256, 256), 2.0, True, (512, 512)),
        ((300, 500), 1.5, False, (768, 1280)),
    ],
)
def test_fooocus_upscales_to_its_own_sizes(size, scale, small, upscaled):
    larger = (size[0] * 4, size[1] * 4)
    assert upscaled_as_fooocus(size, scale, larger, may_stay_small=small) == upscaled


def test_an_absurd_size_is_refused():
    with pytest.raises(RequestError, match=r"^image: got 5000×5000.*10000×10000.*8192"):
        upscaled_as_fooocus((5000, 5000), 2.0, (20000, 20000), may_stay_small=False)


@pytest.mark.parametrize(
    ("action", "size", "diffuses"),
    [
        ("upscale_2", (1152, 896), True),
        ("upscale_2", (1376, 1376), True),
        ("upscale_2", (1384, 1384), False),  # as Fooocus returns it: rounded up, its side is 2816
        ("upscale_1_5", (1872, 1867), False),
        ("upscale_fast", (256, 256), False),
        ("vary_subtle", (2880, 2816), True),
    ],
)
def test_fast_and_very_large_pictures_are_enlarged_and_no_more(action, size, diffuses):
    assert is_diffused(VARIATIONS[action], size) == diffuses


def test_a_picture_whose_longer_side_would_become_too_long_is_refused():
    enlarged = VARIATIONS["upscale_2"]
    for size, becomes in (((16, 16384), "64×65536"), ((16384, 16), "65536×64")):
        reason = f"image: got {size[0]}×{size[1]}, which would become {becomes}; allowed: "
        with pytest.raises(RequestError, match=reason):
            varied_size(size)
        with pytest.raises(RequestError, match=reason):
            upscaled_size(size, enlarged, may_stay_small=True)

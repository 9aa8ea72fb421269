"""Whole pictures varied and upscaled: their sizes, their steps, and what their infotexts say of it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from PIL import Image

from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.variations import VARIATIONS
from fooocus_ext.tab.widgets import DEFAULTS, NAMES
from tests.contract.hosts import decode, encode
from tests.contract.test_edit import edited  # noqa: F401  (a fixture)
from tests.contract.test_own_routes import add_preset  # noqa: F401  (a fixture)

FAST = {"mode": "upscale", "scale": "fast 2x"}


def noise(width: int, height: int) -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def sent(width: int, height: int) -> str:
    return encode(np.asarray(noise(width, height)))


@pytest.mark.parametrize(
    ("size", "upscaled"),
    [((200, 200), (296, 296)), ((257, 131), (384, 192)), ((307, 200), (456, 296))],
)
def test_fooocus_upscales_pictures_of_any_size(edited, unchanged, size, upscaled):  # noqa: F811
    answer = edited(image=sent(*size), mode="upscale", rendering="Fooocus", steps=1)
    assert answer.status == 200, answer.body
    assert decode(answer.body["images"][0]).shape == (upscaled[1], upscaled[0], 3)
    assert f"Size: {upscaled[0]}x{upscaled[1]}" in answer.body["infotexts"][0]


@pytest.mark.parametrize("action", ["vary_subtle", "upscale_1_5"])
def test_fooocus_encodes_the_middle_of_a_picture(host, monkeypatch, action):
    """Its autoencoder is given what whole latents cover, cut out in the middle."""
    variations = importlib.import_module("fooocus_ext.host.tab.variations")
    before = noise(1030, 1027)
    monkeypatch.setattr(variations, "_upscaled", lambda *_args: before)
    choices = read_choices([DEFAULTS[name] for name in NAMES])
    values = variations.varied(choices, VARIATIONS[action], before)
    assert (values["request"]["width"], values["request"]["height"]) == (1024, 1024)
    middle = np.asarray(before)[1:1025, 3:1027]
    assert (np.asarray(values["picture"]) == middle).all()


@pytest.mark.parametrize(
    ("preset", "values", "steps"),
    [
        ({"default_performance": "Speed"}, {}, 18),
        ({"default_performance": "Speed"}, {"steps": 2}, 2),
        ({"default_performance": "Speed"}, {"performance": "Quality"}, 36),
        ({"default_performance": "Speed", "default_overwrite_step": 4}, {}, 4),
    ],
)
def test_an_upscale_has_the_steps_of_a_presets_performance(
    edited,  # noqa: F811
    add_preset,  # noqa: F811
    preset,
    values,
    steps,
):
    add_preset(**preset)
    values = {"steps": None, "image": sent(64, 64), **values}
    answer = edited(mode="upscale", preset="mine", **values)
    assert answer.status == 200, answer.body
    assert f"Steps: {steps}, " in answer.body["infotexts"][0]


@pytest.mark.parametrize("size", [(301, 303), (257, 131), (16, 40)])
def test_fast_2x_is_twice_as_large_to_the_pixel(edited, size):  # noqa: F811
    answer = edited(image=sent(*size), **FAST)
    assert decode(answer.body["images"][0]).shape == (size[1] * 2, size[0] * 2, 3)


def test_a_tiny_picture_keeps_its_shape(edited):  # noqa: F811
    answer = edited(image=sent(20, 100), mode="upscale", steps=1)
    assert decode(answer.body["images"][0]).shape == (320, 64, 3)


@pytest.mark.parametrize(("number", "is_said"), [(1, False), (3, True)])
def test_that_all_pictures_would_be_the_same_is_said(edited, number, is_said):  # noqa: F811
    answer = edited(image_number=number, **FAST)
    assert len(answer.body["images"]) == 1
    assert any("image_number: got 3" in note for note in answer.body["notes"]) is is_said


def test_a_picture_that_would_become_too_large_is_named(edited, monkeypatch):  # noqa: F811
    actions = importlib.import_module("fooocus_ext.tab.actions")
    monkeypatch.setattr(actions, "LARGEST_ENLARGED_SIDE", 100)
    for rendering in ("webui", "Fooocus"):
        answer = edited(**FAST, rendering=rendering)
        assert answer.status == 422
        assert answer.detail.startswith("image: got 160×128, which would become 320×256; allowed: ")

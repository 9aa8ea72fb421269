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

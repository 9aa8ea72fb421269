"""Pictures as SDXL was trained on them: with the size they had, and where they were cropped.

A picture of low original size is blurred, because it was scaled up; one of high size is sharp. The
model is told both numbers, and learns what they do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from tools.pocket.grammar import describe, draw_scene
from tools.pocket.painting import paint

SMALLEST, LARGEST = 16, 2048
"""range of original sizes, in pixels of the shorter side"""
SHARP_SHARE = 0.6
CROPPED_SHARE = 0.25
LOWEST_SCORE, HIGHEST_SCORE, MIDDLE_SCORE = 1.0, 10.0, 5.5
"""of the refiner's aesthetic score"""


@dataclass(frozen=True)
class Example:
    """A picture [height,width,3] uint8, its caption, and SDXL's numbers: (height, width), (top, left)."""

    picture: NDArray[np.uint8]
    caption: str
    original: tuple[int, int]
    crop: tuple[int, int]
    target: tuple[int, int]


def _original_size(random: Random, target: int) -> int:
    low, high = (target, LARGEST) if random.random() < SHARP_SHARE else (SMALLEST, target)
    return round(math.exp(random.uniform(math.log(low), math.log(high))))


def blurred(picture: Image.Image, share: float) -> Image.Image:
    """The picture as if it had had `share` (0..1] of its pixels along each side."""
    small = (max(round(picture.width * share), 1), max(round(picture.height * share), 1))
    if small == picture.size:
        return picture
    return picture.resize(small, Image.Resampling.BOX).resize(
        picture.size, Image.Resampling.BICUBIC
    )


def scored(picture: NDArray[np.uint8], score: float) -> NDArray[np.uint8]:
    """The picture with the contrast and the saturation of an aesthetic score: 5.5 leaves it as it is."""
    share = (score - MIDDLE_SCORE) / (HIGHEST_SCORE - MIDDLE_SCORE)
    image = ImageEnhance.Contrast(Image.fromarray(picture)).enhance(1 + 0.4 * share)
    return np.asarray(ImageEnhance.Color(image).enhance(1 + 0.6 * share))


def draw_example(random: Random, size: tuple[int, int]) -> Example:
    """One example of `size` = (width, height); the scene is the first thing that `random` decides."""
    scene = draw_scene(random)
    width, height = size
    top = left = 0
    if random.random() < CROPPED_SHARE:
        top, left = random.randint(0, height // 4), random.randint(0, width // 4)
    picture = paint(scene, (width + left, height + top), random)
    picture = picture.crop((left, top, left + width, top + height))
    original = _original_size(random, min(size))
    share = min(original / min(size), 1.0)
    return Example(
        picture=np.asarray(blurred(picture, share)),
        caption=describe(scene, random),
        original=(round(original * height / min(size)), round(original * width / min(size))),
        crop=(top, left),
        target=(height, width),
    )


def examples(seed: int | str, number: int, size: tuple[int, int]) -> Iterator[Example]:
    """`number` examples; example i of a seed is the same whatever the number."""
    for index in range(number):
        yield draw_example(Random(f"{seed} {index}"), size)

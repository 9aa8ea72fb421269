"""Draws scenes with Pillow: every picture is painted at twice its size and halved."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from tools.pocket.colours import Colour, gradient, mixed, near
from tools.pocket.grammar import COLOURS, Group, Scene, Shapes, Texture, View
from tools.pocket.landscapes import paint_view

SUPERSAMPLING = 2
SECOND_COLOURS = {"light": (245, 245, 240), "dark": (60, 60, 66)}
"""of which a pattern has one besides the colour that its caption names"""


def _pattern(
    pattern: str, size: tuple[int, int], colours: tuple[Colour, Colour], random: Random, unit: float
) -> Image.Image:
    """A picture of `pattern`; its period is a bit above a tenth of `unit` pixels."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    period = unit * random.uniform(0.11, 0.15)
    if pattern == "striped":
        angle = random.choice((0.0, math.pi / 2, math.pi / 4))
        mask = ((x * math.cos(angle) + y * math.sin(angle)) / period) % 1 < 0.5
    elif pattern == "checkered":
        mask = ((x // (period * 0.6)) + (y // (period * 0.6))) % 2 < 1
    elif pattern == "dotted":
        across, down = x / period, y / period
        mask = ((across % 1 - 0.5) ** 2 + (down % 1 - 0.5) ** 2) > 0.3**2
    else:
        return Image.new("RGB", size, colours[0])
    pixels = np.where(mask[..., None], np.array(colours[0]), np.array(colours[1]))
    return Image.fromarray(pixels.astype(np.uint8))


def _outline(
    shape: str, centre: tuple[float, float], radius: float, turn: float
) -> list[tuple[float, float]]:
    x, y = centre
    if shape == "heart":
        angles = np.linspace(0, 2 * math.pi, 60)
        across = 16 * np.sin(angles) ** 3 / 17
        up = (
            13 * np.cos(angles)
            - 5 * np.cos(2 * angles)
            - 2 * np.cos(3 * angles)
            - np.cos(4 * angles)
        ) / 17
        return [(x + radius * a, y - radius * (b + 0.1)) for a, b in zip(across, up, strict=True)]
    corners = {"square": 4, "triangle": 3, "star": 10}[shape]
    start = turn + (math.pi / 4 if shape == "square" else -math.pi / 2)
    reach = {"square": 1.15, "triangle": 1.15, "star": 1.15}[shape]
    points = []
    for corner in range(corners):
        length = radius * reach * (0.45 if shape == "star" and corner % 2 else 1.0)
        angle = start + 2 * math.pi * corner / corners
        points.append((x + length * math.cos(angle), y + length * math.sin(angle)))
    return points


def _shape_mask(
    size: tuple[int, int], shape: str, centre: tuple[float, float], radius: float, turn: float
) -> Image.Image:
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    x, y = centre
    if shape in ("circle", "ring"):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        if shape == "ring":
            inner = radius * 0.55
            draw.ellipse((x - inner, y - inner, x + inner, y + inner), fill=0)
    else:
        draw.polygon(_outline(shape, centre, radius, turn), fill=255)
    return mask


def _positions(number: int, random: Random) -> list[tuple[float, float]]:
    """Centres in the unit square for 1 to 4 equal shapes that shall not touch."""
    layouts = {
        1: [[(0.5, 0.5)]],
        2: [
            [(0.28, 0.5), (0.72, 0.5)],
            [(0.5, 0.28), (0.5, 0.72)],
            [(0.3, 0.32), (0.7, 0.68)],
            [(0.3, 0.68), (0.7, 0.32)],
        ],
        3: [[(0.5, 0.28), (0.28, 0.7), (0.72, 0.7)], [(0.5, 0.72), (0.28, 0.3), (0.72, 0.3)]],
        4: [[(0.28, 0.28), (0.72, 0.28), (0.28, 0.72), (0.72, 0.72)]],
    }
    room = 0.12 if number == 1 else 0.03
    return [
        (x + random.uniform(-room, room), y + random.uniform(-room, room))
        for x, y in random.choice(layouts[number])
    ]


def _paint_shapes(scene: Shapes, size: tuple[int, int], random: Random) -> Image.Image:
    background = near(COLOURS[scene.background], random)
    picture = gradient(
        size, mixed(background, (255, 255, 255), 0.10), mixed(background, (0, 0, 0), 0.10)
    )
    kinds: list[Group] = [group for group in scene.groups for _ in range(group.count)]
    unit = min(size)
    turn = random.uniform(-0.15, 0.15)
    for group, (x, y) in zip(kinds, _positions(len(kinds), random), strict=True):
        radius = (
            unit * {1: 0.33, 2: 0.19, 3: 0.18, 4: 0.18}[len(kinds)] * random.uniform(0.88, 1.08)
        )
        radius *= 1.0 if group.large else 0.55
        centre = (x * size[0], y * size[1])
        mask = _shape_mask(size, group.shape, centre, radius, turn)
        pale = {"white", "yellow", "gray"} & {group.colour, scene.background}
        second = SECOND_COLOURS["dark" if pale else "light"]
        fill = _pattern(
            group.pattern, size, (near(COLOURS[group.colour], random), second), random, unit
        )
        picture.paste(fill, mask=mask)
    return picture


def _paint_texture(scene: Texture, size: tuple[int, int], random: Random) -> Image.Image:
    first, second = (near(COLOURS[colour], random) for colour in scene.colours)
    return _pattern(scene.pattern, size, (first, second), random, min(size) * 1.3)


def _in_style(picture: Image.Image, style: str) -> Image.Image:
    if style == "sketch":
        return _sketched(picture)
    if style == "sepia":
        gray = ImageOps.autocontrast(ImageOps.grayscale(picture), 1)
        return ImageOps.colorize(gray, (44, 26, 12), (246, 226, 186), (162, 122, 82))
    if style == "pixel art":
        blocks = tuple(max(side * 32 // min(picture.size), 1) for side in picture.size)
        small = picture.resize(blocks, Image.Resampling.BOX).quantize(14).convert("RGB")
        return small.resize(picture.size, Image.Resampling.NEAREST)
    return picture


def _sketched(picture: Image.Image) -> Image.Image:
    """Dark lines where any colour changes, on paper that keeps a tenth of the tone."""
    unit = min(picture.size)
    pixels = [
        np.asarray(picture.filter(ImageFilter.GaussianBlur(unit * width)), dtype=np.float32)
        for width in (0.004, 0.012)
    ]
    lines = np.abs(pixels[0] - pixels[1]).max(axis=2)
    tone = 228 + 0.16 * (pixels[1].mean(axis=2) - 128) - 190 * np.clip(lines / 34, 0, 1) ** 1.3
    return Image.fromarray(np.clip(tone, 0, 255).astype(np.uint8)).convert("RGB")


_PAINTERS: dict[type, Callable[..., Image.Image]] = {
    Shapes: _paint_shapes,
    Texture: _paint_texture,
    View: paint_view,
}


def paint(scene: Scene, size: tuple[int, int], random: Random) -> Image.Image:
    """The scene as an RGB picture of `size` = (width, height) pixels; `random` places its details."""
    large = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    picture = _in_style(_PAINTERS[type(scene)](scene, large, random), scene.style)
    return picture.resize(size, Image.Resampling.BOX)

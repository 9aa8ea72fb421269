"""Paints views: sky, lights, clouds, the place, a subject, the weather, from far to near."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from tools.pocket.colours import Colour, gradient, lit, mixed, near
from tools.pocket.grammar import COLOURS, View
from tools.pocket.pen import Pen
from tools.pocket.subjects import DRAWINGS

HORIZON = 0.62
SKIES = {
    "day": ((78, 150, 226), (196, 224, 244)),
    "sunset": ((92, 58, 130), (252, 158, 72)),
    "night": ((10, 14, 44), (44, 52, 104)),
}
"""time -> colours at the top and at the horizon"""
LIGHT = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.80, 0.68), "night": (0.42, 0.46, 0.66)}
"""time -> what the colours of things are multiplied by"""
GROUNDS = {
    "mountains": (96, 138, 84),
    "meadow": (94, 170, 66),
    "desert": (226, 188, 118),
    "sea": (40, 104, 164),
    "forest": (64, 112, 58),
    "city": (120, 120, 124),
}
SNOW = (236, 240, 246)
Backdrop = Callable[[View, Pen, Colour, Random], None]
"""draws on (pen) what a place (view) has behind or on its ground of a colour"""


def _paint_sky(view: View, size: tuple[int, int], random: Random) -> Image.Image:
    top, bottom = (near(colour, random, 8) for colour in SKIES[view.time])
    if view.weather in ("rain", "cloudy", "snow", "fog"):
        gray = lit((168, 174, 182), LIGHT[view.time])
        share = 0.75 if view.weather != "cloudy" else 0.4
        top, bottom = mixed(top, gray, share), mixed(bottom, gray, share)
    horizon = int(size[1] * HORIZON)
    sky = Image.new("RGB", size, bottom)
    sky.paste(gradient((size[0], horizon), top, bottom), (0, 0))
    return sky


def _paint_lights(view: View, pen: Pen, random: Random) -> None:
    """Sun, moon and stars, if the weather lets them through."""
    if view.weather not in ("clear", "cloudy"):
        return
    width, height, unit = pen.width, pen.height, pen.unit
    x = random.choice((0.2, 0.8)) + random.uniform(-0.07, 0.07)
    if view.time == "day" and random.random() < 0.6:
        pen.disc(x * width, 0.17 * height, 0.075 * unit, (255, 236, 130))
    if view.time == "sunset":
        pen.disc(
            (0.5 + random.uniform(-0.3, 0.3)) * width, 0.5 * height, 0.11 * unit, (255, 220, 120)
        )
    if view.time == "night":
        if view.weather == "clear":
            for _ in range(26):
                star = random.uniform(0.006, 0.011) * unit
                pen.disc(
                    random.random() * width, random.random() * 0.55 * height, star, (240, 240, 220)
                )
        pen.disc(x * width, 0.18 * height, 0.08 * unit, (238, 236, 208))


def _paint_clouds(view: View, pen: Pen, random: Random) -> None:
    number = {"cloudy": 4, "clear": random.choice((0, 0, 1)) if view.time == "day" else 0}.get(
        view.weather, 0
    )
    colour = lit((246, 246, 250), LIGHT[view.time])
    for _ in range(number):
        x, y = random.random() * pen.width, random.uniform(0.08, 0.36) * pen.height
        for puff in range(4):
            radius = random.uniform(0.06, 0.09) * pen.unit
            pen.ellipse(x + (puff - 1.5) * 0.08 * pen.unit, y, radius * 1.2, radius * 0.75, colour)


def _mountains(view: View, pen: Pen, _ground: Colour, random: Random) -> None:
    light, horizon = LIGHT[view.time], pen.height * HORIZON
    for share, base_colour in ((0.42, (128, 136, 164)), (0.28, (96, 104, 132))):
        xs = np.linspace(0, pen.width, 6)
        peaks = [(x, horizon - pen.height * share * random.uniform(0.15, 1.0)) for x in xs]
        pen.polygon(
            [(0, horizon), *peaks, (pen.width, horizon)], lit(near(base_colour, random, 6), light)
        )
        for x, y in peaks:
            cap = (horizon - y) * 0.3
            snow = [(x, y), (x - cap * 0.5, y + cap), (x + cap * 0.5, y + cap)]
            pen.polygon(snow, lit((240, 242, 248), light))


def _hills(_view: View, pen: Pen, ground: Colour, random: Random) -> None:
    middle = pen.height * (HORIZON + 0.12)
    for shade, lift in ((0.35, 0.12), (0.2, 0.06)):
        x = random.random() * pen.width
        colour = mixed(ground, (0, 40, 30), shade)
        pen.ellipse(x, middle, pen.width * 0.6, (0.12 + lift) * pen.height, colour)


def _houses(view: View, pen: Pen, _ground: Colour, random: Random) -> None:
    horizon, left = pen.height * HORIZON, 0.0
    while left < pen.width:
        across = random.uniform(0.10, 0.17) * pen.unit
        tall = random.uniform(0.18, 0.48) * pen.height
        wall = lit(near((116, 122, 140), random, 16), LIGHT[view.time])
        pen.box(left, horizon - tall, left + across, horizon, wall)
        window = (252, 226, 120) if view.time != "day" else mixed(wall, (230, 240, 255), 0.7)
        _windows(pen, left, horizon - tall, (across, tall), window)
        left += across * 1.03


def _windows(pen: Pen, left: float, top: float, size: tuple[float, float], colour: Colour) -> None:
    storey, half, high = 0.075 * pen.unit, 0.014 * pen.unit, 0.018 * pen.unit
    for row in range(1, int(size[1] / storey)):
        for column in (0.25, 0.68):
            x, y = left + size[0] * column, top + row * storey
            pen.box(x - half, y - high, x + half, y + high, colour)


def _waves(_view: View, pen: Pen, ground: Colour, random: Random) -> None:
    horizon, unit = pen.height * HORIZON, pen.unit
    foam = mixed(ground, (255, 255, 255), 0.35)
    for row in range(5):
        y = horizon + (row + 0.5) * (pen.height - horizon) / 5
        for _ in range(3):
            x = random.random() * pen.width
            pen.box(x - 0.09 * unit, y, x + 0.09 * unit, y + 0.018 * unit, foam)


def _dunes(_view: View, pen: Pen, ground: Colour, random: Random) -> None:
    horizon = pen.height * HORIZON
    for row in (0.15, 0.5):
        x = random.random() * pen.width
        y = horizon + row * (pen.height - horizon) + 0.12 * pen.height
        colour = mixed(ground, mixed(ground, (0, 0, 0), 0.28), 0.45 - row * 0.4)
        pen.ellipse(x, y, pen.width * 0.5, 0.15 * pen.height, colour)


def _firs(view: View, pen: Pen, _ground: Colour, random: Random) -> None:
    horizon, unit, light = pen.height * HORIZON, pen.unit, LIGHT[view.time]
    for index in range(9):
        x = (index + random.uniform(0.1, 0.9)) * pen.width / 9
        tall = random.uniform(0.30, 0.48) * pen.height
        green = mixed((40, 92, 52), (240, 244, 248), 0.6 if view.weather == "snow" else 0.0)
        colour = lit(near(green, random, 10), light)
        trunk = 0.012 * unit
        foot = horizon + 0.03 * pen.height
        pen.box(x - trunk, horizon - 0.1 * tall, x + trunk, foot, lit((84, 56, 36), light))
        for part in range(3):
            base = horizon - tall * (0.08 + 0.27 * part)
            half = 0.085 * unit * (1 - 0.22 * part)
            branches = [(x - half, base), (x + half, base), (x, base - tall * 0.42)]
            pen.polygon(branches, mixed(colour, (0, 0, 0), 0.08 * (2 - part)))


def _grass(view: View, pen: Pen, ground: Colour, random: Random) -> None:
    if view.weather == "snow":
        return
    for _ in range(14):
        x, y = random.random() * pen.width, random.uniform(HORIZON + 0.06, 0.98) * pen.height
        half = 0.012 * pen.unit
        blade = [(x - half, y), (x + half, y), (x, y - 0.045 * pen.unit)]
        pen.polygon(blade, mixed(ground, (0, 0, 0), 0.28))


BEHIND: dict[str, Backdrop] = {"mountains": _mountains, "meadow": _hills, "city": _houses}
ON_GROUND: dict[str, tuple[Backdrop, ...]] = {
    "sea": (_waves,),
    "desert": (_dunes,),
    "forest": (_firs, _grass),
    "meadow": (_grass,),
}


def _paint_place(view: View, pen: Pen, random: Random) -> None:
    ground = near(GROUNDS[view.place], random, 8)
    if view.weather == "snow" and view.place != "sea":
        ground = SNOW
    ground = lit(ground, LIGHT[view.time])
    if view.place in BEHIND:
        BEHIND[view.place](view, pen, ground, random)
    pen.box(0, pen.height * HORIZON, pen.width, pen.height, ground)
    for draw in ON_GROUND.get(view.place, ()):
        draw(view, pen, ground, random)


def _paint_weather(view: View, picture: Image.Image, random: Random) -> Image.Image:
    size = picture.size
    unit = min(size)
    if view.weather == "fog":
        fog = lit((214, 218, 222), LIGHT[view.time])
        rows = np.clip(1 - np.abs(np.linspace(0, 1, size[1]) - HORIZON) / 0.45, 0, 1) * 0.75 + 0.1
        mask = Image.fromarray(np.broadcast_to((rows * 255)[:, None], size[::-1]).astype(np.uint8))
        picture.paste(Image.new("RGB", size, fog), mask=mask)
    draw = ImageDraw.Draw(picture)
    if view.weather == "rain":
        for _ in range(30):
            x, y, length = random.random() * size[0], random.random() * size[1], 0.1 * unit
            draw.line(
                (x, y, x - length * 0.35, y + length),
                fill=(206, 218, 232),
                width=max(round(unit * 0.009), 1),
            )
    if view.weather == "snow":
        for _ in range(36):
            x, y, radius = (
                random.random() * size[0],
                random.random() * size[1],
                random.uniform(0.009, 0.017) * unit,
            )
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(250, 250, 252))
    return picture


def paint_view(view: View, size: tuple[int, int], random: Random) -> Image.Image:
    """The view as an RGB picture of `size` = (width, height) pixels."""
    picture = _paint_sky(view, size, random)
    pen = Pen(picture)
    _paint_lights(view, pen, random)
    _paint_clouds(view, pen, random)
    _paint_place(view, pen, random)
    if view.subject is not None and view.colour is not None:
        colour = near(COLOURS[view.colour], random, 9)
        light = mixed(tuple(255 * c for c in LIGHT[view.time]), (255, 255, 255), 0.35)
        pen.light = tuple(c / 255 for c in light)
        DRAWINGS[view.subject](
            pen, (0.5 + random.uniform(-0.13, 0.13)) * size[0], 0.93 * size[1], colour, random
        )
    return _paint_weather(view, picture, random)

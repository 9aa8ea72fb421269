"""Animals and people in views: each stands on the point (x, y) of the ground, in one colour."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tools.pocket.colours import Colour
from tools.pocket.pen import DARK, SKIN, WOOD, Pen, darker, lighter

SKINS = (SKIN, (198, 148, 112), (140, 96, 68))
BROWN, BLACK = (58, 38, 28), (30, 28, 34)
"""of hair"""


def cat(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Sitting, seen from the front, with pointed ears."""
    u = pen.unit
    side = random.choice((-1, 1))
    pen.ellipse(x + side * 0.19 * u, y - 0.10 * u, 0.045 * u, 0.12 * u, darker(colour, 0.15))
    pen.ellipse(x, y - 0.15 * u, 0.16 * u, 0.17 * u, colour)
    head = y - 0.36 * u
    for ear in (-1, 1):
        pen.polygon(
            [
                (x + ear * 0.145 * u, head - 0.20 * u),
                (x + ear * 0.145 * u, head - 0.02 * u),
                (x + ear * 0.02 * u, head - 0.11 * u),
            ],
            colour,
        )
        pen.polygon(
            [
                (x + ear * 0.125 * u, head - 0.155 * u),
                (x + ear * 0.125 * u, head - 0.06 * u),
                (x + ear * 0.06 * u, head - 0.10 * u),
            ],
            (236, 160, 160),
        )
    pen.ellipse(x, head, 0.155 * u, 0.13 * u, darker(colour, 0.07))
    for eye in (-1, 1):
        pen.ellipse(x + eye * 0.065 * u, head - 0.01 * u, 0.034 * u, 0.034 * u, (150, 210, 90))
        pen.ellipse(x + eye * 0.065 * u, head - 0.01 * u, 0.013 * u, 0.030 * u, DARK)
    pen.polygon(
        [(x - 0.024 * u, head + 0.04 * u), (x + 0.024 * u, head + 0.04 * u), (x, head + 0.065 * u)],
        (220, 120, 130),
    )


def dog(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Standing, seen from the side, with a hanging ear."""
    u = pen.unit
    side = random.choice((-1, 1))
    pen.ellipse(x, y - 0.20 * u, 0.21 * u, 0.105 * u, colour)
    for leg in (-0.16, -0.09, 0.09, 0.16):
        pen.box(
            x + leg * u - 0.025 * u, y - 0.17 * u, x + leg * u + 0.025 * u, y, darker(colour, 0.12)
        )
    tail = x - side * 0.19 * u
    pen.polygon(
        [
            (tail, y - 0.26 * u),
            (tail - side * 0.10 * u, y - 0.38 * u),
            (tail - side * 0.05 * u, y - 0.22 * u),
        ],
        colour,
    )
    head = x + side * 0.21 * u
    pen.disc(head, y - 0.35 * u, 0.10 * u, colour)
    pen.ellipse(head + side * 0.10 * u, y - 0.325 * u, 0.065 * u, 0.045 * u, lighter(colour, 0.25))
    pen.disc(head + side * 0.155 * u, y - 0.335 * u, 0.022 * u, DARK)
    pen.disc(head + side * 0.035 * u, y - 0.375 * u, 0.019 * u, DARK)
    pen.ellipse(head - side * 0.055 * u, y - 0.345 * u, 0.035 * u, 0.085 * u, darker(colour, 0.45))


def owl(pen: Pen, x: float, y: float, colour: Colour, _random: Random) -> None:
    """From the front: big round eyes, folded wings."""
    u = pen.unit
    pen.ellipse(x, y - 0.24 * u, 0.17 * u, 0.24 * u, colour)
    for side in (-1, 1):
        pen.ellipse(x + side * 0.14 * u, y - 0.21 * u, 0.055 * u, 0.16 * u, darker(colour, 0.35))
        pen.polygon(
            [
                (x + side * 0.15 * u, y - 0.52 * u),
                (x + side * 0.15 * u, y - 0.38 * u),
                (x + side * 0.03 * u, y - 0.45 * u),
            ],
            colour,
        )
    pen.ellipse(x, y - 0.15 * u, 0.10 * u, 0.12 * u, lighter(colour, 0.5))
    for side in (-1, 1):
        pen.disc(x + side * 0.075 * u, y - 0.355 * u, 0.068 * u, (250, 236, 170))
        pen.disc(x + side * 0.075 * u, y - 0.355 * u, 0.034 * u, DARK)
    pen.polygon(
        [(x - 0.025 * u, y - 0.33 * u), (x + 0.025 * u, y - 0.33 * u), (x, y - 0.27 * u)],
        (240, 160, 40),
    )


def fish(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """From the side, with a tail, a fin and an eye."""
    u = pen.unit
    side = random.choice((-1, 1))
    middle = y - 0.16 * u
    pen.polygon(
        [
            (x - side * 0.15 * u, middle),
            (x - side * 0.31 * u, middle - 0.13 * u),
            (x - side * 0.31 * u, middle + 0.13 * u),
        ],
        darker(colour, 0.2),
    )
    pen.polygon(
        [
            (x - 0.07 * u, middle - 0.1 * u),
            (x + 0.07 * u, middle - 0.1 * u),
            (x - side * 0.05 * u, middle - 0.20 * u),
        ],
        darker(colour, 0.2),
    )
    pen.ellipse(x, middle, 0.21 * u, 0.13 * u, colour)
    pen.ellipse(x, middle + 0.06 * u, 0.14 * u, 0.06 * u, lighter(colour, 0.35))
    pen.disc(x + side * 0.12 * u, middle - 0.035 * u, 0.034 * u, (250, 250, 250))
    pen.disc(x + side * 0.125 * u, middle - 0.035 * u, 0.018 * u, DARK)


def _eyes(pen: Pen, x: float, y: float, apart: float, radius: float) -> None:
    for side in (-1, 1):
        pen.disc(x + side * apart, y, radius, (250, 250, 250))
        pen.disc(x + side * apart, y, radius * 0.55, DARK)


def _person(
    pen: Pen, x: float, y: float, clothes: Colour, hair: Colour, skin: Colour, *, long_hair: bool
) -> float:
    """Head and shoulders; returns the head's height, for what else belongs on it."""
    u = pen.unit
    head = y - 0.44 * u
    if long_hair:
        pen.ellipse(x, head + 0.06 * u, 0.165 * u, 0.225 * u, hair)
    pen.ellipse(x, y + 0.03 * u, 0.27 * u, 0.24 * u, clothes)
    pen.box(x - 0.27 * u, y + 0.03 * u, x + 0.27 * u, y + 0.1 * u, clothes)
    pen.box(x - 0.05 * u, head + 0.08 * u, x + 0.05 * u, y - 0.18 * u, darker(skin, 0.12))
    pen.ellipse(x, head - 0.045 * u, 0.135 * u, 0.135 * u, hair)
    pen.ellipse(x, head + 0.02 * u, 0.115 * u, 0.14 * u, skin)
    pen.ellipse(x, head - 0.11 * u, 0.115 * u, 0.055 * u, hair)
    _eyes(pen, x, head + 0.01 * u, 0.048 * u, 0.022 * u)
    pen.ellipse(x, head + 0.095 * u, 0.036 * u, 0.014 * u, (196, 84, 84))
    return head


def _young(
    pen: Pen,
    x: float,
    y: float,
    clothes: Colour,
    random: Random,
    hairs: Sequence[Colour],
    *,
    long_hair: bool,
) -> None:
    hair, skin = random.choice(hairs), random.choice(SKINS)
    _person(pen, x, y, clothes, hair, skin, long_hair=long_hair)


def woman(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Long hair; the colour is that of her clothes."""
    _young(pen, x, y, colour, random, (BROWN, (222, 180, 96), (150, 62, 34), BLACK), long_hair=True)


def man(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Short hair; the colour is that of his clothes."""
    _young(pen, x, y, colour, random, (BROWN, (120, 82, 46), BLACK), long_hair=False)


def old_man(pen: Pen, x: float, y: float, colour: Colour, _random: Random) -> None:
    """White hair and a white beard."""
    u = pen.unit
    white = (232, 232, 228)
    head = _person(pen, x, y, colour, white, SKIN, long_hair=False)
    pen.ellipse(x, head + 0.15 * u, 0.105 * u, 0.10 * u, white)
    pen.ellipse(x, head + 0.095 * u, 0.034 * u, 0.014 * u, (180, 84, 84))


def knight(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """A helmet with a visor and a plume, armour and a sword."""
    u = pen.unit
    head = y - 0.42 * u
    side = random.choice((-1, 1))
    pen.ellipse(x, y + 0.02 * u, 0.25 * u, 0.26 * u, darker(colour, 0.15))
    pen.box(x - 0.25 * u, y + 0.02 * u, x + 0.25 * u, y + 0.1 * u, darker(colour, 0.15))
    for shoulder in (-1, 1):
        pen.disc(x + shoulder * 0.19 * u, y - 0.16 * u, 0.085 * u, lighter(colour, 0.15))
    pen.ellipse(x - side * 0.04 * u, head - 0.18 * u, 0.055 * u, 0.10 * u, (206, 40, 48))
    pen.ellipse(x, head, 0.125 * u, 0.155 * u, colour)
    pen.box(x - 0.125 * u, head, x + 0.125 * u, head + 0.15 * u, colour)
    pen.box(x - 0.10 * u, head - 0.015 * u, x + 0.10 * u, head + 0.025 * u, DARK)
    for hole in (-0.05, 0.0, 0.05):
        pen.box(
            x + hole * u - 0.010 * u,
            head + 0.06 * u,
            x + hole * u + 0.010 * u,
            head + 0.12 * u,
            DARK,
        )
    blade = x + side * 0.33 * u
    pen.box(blade - 0.018 * u, y - 0.60 * u, blade + 0.018 * u, y - 0.10 * u, (214, 220, 228))
    pen.box(blade - 0.07 * u, y - 0.13 * u, blade + 0.07 * u, y - 0.095 * u, (202, 160, 60))
    pen.box(blade - 0.018 * u, y - 0.10 * u, blade + 0.018 * u, y, WOOD)


def robot(pen: Pen, x: float, y: float, colour: Colour, _random: Random) -> None:
    """A square head with an antenna on a square body."""
    u = pen.unit
    head = y - 0.42 * u
    pen.box(x - 0.01 * u, head - 0.22 * u, x + 0.01 * u, head - 0.10 * u, (150, 150, 156))
    pen.disc(x, head - 0.22 * u, 0.03 * u, (230, 60, 50))
    pen.box(x - 0.045 * u, head, x + 0.045 * u, y - 0.2 * u, (130, 130, 136))
    pen.box(x - 0.15 * u, head - 0.12 * u, x + 0.15 * u, head + 0.11 * u, colour)
    pen.box(x - 0.18 * u, y - 0.26 * u, x + 0.18 * u, y, darker(colour, 0.15))
    for side in (-1, 1):
        pen.disc(x + side * 0.07 * u, head - 0.03 * u, 0.042 * u, (250, 240, 150))
        pen.disc(x + side * 0.07 * u, head - 0.03 * u, 0.020 * u, DARK)
        pen.box(
            x + side * 0.225 * u - 0.035 * u,
            y - 0.25 * u,
            x + side * 0.225 * u + 0.035 * u,
            y - 0.03 * u,
            colour,
        )
    pen.box(x - 0.08 * u, head + 0.05 * u, x + 0.08 * u, head + 0.08 * u, DARK)
    pen.box(x - 0.09 * u, y - 0.2 * u, x + 0.09 * u, y - 0.09 * u, lighter(colour, 0.5))

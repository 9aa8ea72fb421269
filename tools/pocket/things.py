"""Things in views: each stands on the point (x, y) of the ground, in one colour of the caption."""

from __future__ import annotations

import math
from random import Random

from tools.pocket.colours import Colour
from tools.pocket.pen import DARK, WOOD, Pen, darker, lighter


def house(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Walls of the colour, a dark roof, a door and two windows."""
    u = pen.unit
    wide, tall = 0.21 * u, 0.26 * u
    pen.box(x - wide, y - tall, x + wide, y, colour)
    pen.polygon(
        [(x - wide * 1.2, y - tall), (x + wide * 1.2, y - tall), (x, y - tall * 1.85)],
        darker(colour, 0.55),
    )
    pen.box(x - 0.045 * u, y - 0.15 * u, x + 0.045 * u, y, WOOD)
    for side in (-1, 1):
        pen.box(
            x + side * 0.13 * u - 0.035 * u,
            y - 0.20 * u,
            x + side * 0.13 * u + 0.035 * u,
            y - 0.13 * u,
            (255, 238, 160),
        )
    if random.random() < 0.5:
        pen.box(x + 0.10 * u, y - tall * 1.75, x + 0.15 * u, y - tall * 1.3, darker(colour, 0.4))


def castle(pen: Pen, x: float, y: float, colour: Colour, _random: Random) -> None:
    """A wall with a gate between two towers with pointed roofs."""
    u = pen.unit
    wall = lighter(colour, 0.15)
    pen.box(x - 0.22 * u, y - 0.24 * u, x + 0.22 * u, y, wall)
    for step in range(5):
        left = x - 0.22 * u + step * 0.096 * u
        pen.box(left, y - 0.28 * u, left + 0.055 * u, y - 0.24 * u, wall)
    for side in (-1, 1):
        centre = x + side * 0.24 * u
        pen.box(centre - 0.075 * u, y - 0.42 * u, centre + 0.075 * u, y, darker(wall, 0.18))
        pen.polygon(
            [
                (centre - 0.10 * u, y - 0.42 * u),
                (centre + 0.10 * u, y - 0.42 * u),
                (centre, y - 0.60 * u),
            ],
            darker(colour, 0.55),
        )
        pen.box(centre - 0.02 * u, y - 0.34 * u, centre + 0.02 * u, y - 0.26 * u, DARK)
    pen.box(x - 0.06 * u, y - 0.13 * u, x + 0.06 * u, y, DARK)
    pen.disc(x, y - 0.13 * u, 0.06 * u, DARK)


def tree(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """A trunk and a round crown."""
    u = pen.unit
    pen.box(x - 0.035 * u, y - 0.30 * u, x + 0.035 * u, y, WOOD)
    for dx, dy, radius in (
        (-0.13, 0.34, 0.13),
        (0.13, 0.34, 0.13),
        (0, 0.46, 0.16),
        (0, 0.33, 0.13),
    ):
        pen.disc(x + dx * u, y - dy * u, radius * u, darker(colour, 0.18 if dx else 0.0))
    for _ in range(6):
        pen.disc(
            x + random.uniform(-0.14, 0.14) * u,
            y - random.uniform(0.3, 0.52) * u,
            0.022 * u,
            lighter(colour, 0.3),
        )


def flower(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """Eight petals around a disc, a stem and two leaves."""
    u = pen.unit
    head = y - 0.48 * u
    pen.box(x - 0.018 * u, head, x + 0.018 * u, y, (52, 128, 54))
    for side in (-1, 1):
        pen.ellipse(x + side * 0.08 * u, y - 0.14 * u, 0.075 * u, 0.032 * u, (64, 150, 66))
    turn = random.uniform(0, 1)
    for petal in range(8):
        angle = turn + petal * math.pi / 4
        pen.disc(
            x + 0.135 * u * math.cos(angle), head + 0.135 * u * math.sin(angle), 0.068 * u, colour
        )
    pen.disc(
        x, head, 0.085 * u, (250, 206, 60) if colour[2] > 90 or colour[1] < 150 else (120, 74, 40)
    )


def boat(pen: Pen, x: float, y: float, colour: Colour, random: Random) -> None:
    """A hull of the colour, a mast and a white sail."""
    u = pen.unit
    deck = y - 0.14 * u
    pen.polygon(
        [(x - 0.25 * u, deck), (x + 0.25 * u, deck), (x + 0.16 * u, y), (x - 0.17 * u, y)], colour
    )
    pen.box(x - 0.012 * u, y - 0.60 * u, x + 0.012 * u, deck, WOOD)
    side = random.choice((-1, 1))
    pen.polygon(
        [
            (x + side * 0.025 * u, y - 0.58 * u),
            (x + side * 0.025 * u, deck - 0.03 * u),
            (x + side * 0.22 * u, deck - 0.03 * u),
        ],
        (246, 244, 236),
    )
    pen.polygon(
        [
            (x - side * 0.025 * u, y - 0.50 * u),
            (x - side * 0.025 * u, deck - 0.03 * u),
            (x - side * 0.15 * u, deck - 0.03 * u),
        ],
        (226, 224, 218),
    )


def car(pen: Pen, x: float, y: float, colour: Colour, _random: Random) -> None:
    """From the side: body, cabin with windows, two wheels."""
    u = pen.unit
    pen.polygon(
        [
            (x - 0.16 * u, y - 0.19 * u),
            (x - 0.09 * u, y - 0.31 * u),
            (x + 0.10 * u, y - 0.31 * u),
            (x + 0.18 * u, y - 0.19 * u),
        ],
        colour,
    )
    pen.polygon(
        [
            (x - 0.12 * u, y - 0.195 * u),
            (x - 0.07 * u, y - 0.28 * u),
            (x - 0.005 * u, y - 0.28 * u),
            (x - 0.005 * u, y - 0.195 * u),
        ],
        (196, 226, 240),
    )
    pen.polygon(
        [
            (x + 0.02 * u, y - 0.195 * u),
            (x + 0.02 * u, y - 0.28 * u),
            (x + 0.08 * u, y - 0.28 * u),
            (x + 0.135 * u, y - 0.195 * u),
        ],
        (196, 226, 240),
    )
    pen.box(x - 0.29 * u, y - 0.19 * u, x + 0.29 * u, y - 0.06 * u, colour)
    pen.box(x + 0.25 * u, y - 0.165 * u, x + 0.29 * u, y - 0.125 * u, (255, 240, 160))
    for side in (-1, 1):
        pen.disc(x + side * 0.165 * u, y - 0.06 * u, 0.066 * u, DARK)
        pen.disc(x + side * 0.165 * u, y - 0.06 * u, 0.030 * u, (180, 180, 186))

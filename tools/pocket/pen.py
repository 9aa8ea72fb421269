"""A pen for filled forms, and what the drawings of subjects share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageDraw

from tools.pocket.colours import Colour, lit

Drawing = Callable[["Pen", float, float, Colour, Random], None]
SKIN = (236, 190, 158)
DARK = (38, 34, 40)
WOOD = (122, 80, 48)


def darker(colour: Sequence[float], share: float = 0.3) -> Colour:
    """Towards black."""
    red, green, blue = (int(c * (1 - share)) for c in colour)
    return red, green, blue


def lighter(colour: Sequence[float], share: float = 0.4) -> Colour:
    """Towards white."""
    red, green, blue = (int(c + (255 - c) * share) for c in colour)
    return red, green, blue


class Pen:
    """Draws filled forms on a picture, in the light of the time of day.

    `unit` is the picture's shorter side, in pixels.
    """

    def __init__(self, picture: Image.Image):
        self._draw = ImageDraw.Draw(picture)
        self.width: int = picture.width
        self.height: int = picture.height
        self.unit: int = min(self.width, self.height)
        self.light: Sequence[float] = (1.0, 1.0, 1.0)

    def _lit(self, colour: Colour) -> Colour:
        return lit(colour, self.light)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(list(points), fill=self._lit(colour))

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._draw.rectangle((left, top, right, bottom), fill=self._lit(colour))

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """A filled ellipse with its two half axes."""
        self._draw.ellipse((x - across, y - down, x + across, y + down), fill=self._lit(colour))

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.ellipse(x, y, radius, radius, colour)

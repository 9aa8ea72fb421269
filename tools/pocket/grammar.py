"""What a picture shows, and how it is described: scenes drawn at random, and captions of them.

A scene is one of three: some shapes on a plain background (whose colour, number and pattern a program
can read back from the picture), a texture that fills it, or a view: a place at a time of day in some
weather, with or without a subject. `painting` draws scenes; nothing here knows about pixels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

COLOURS = {
    "red": (214, 40, 40),
    "orange": (240, 130, 30),
    "yellow": (245, 210, 50),
    "green": (50, 155, 70),
    "blue": (40, 85, 205),
    "purple": (125, 55, 165),
    "pink": (240, 140, 180),
    "brown": (125, 78, 45),
    "white": (244, 244, 240),
    "gray": (135, 135, 138),
    "black": (28, 28, 32),
    "teal": (30, 160, 165),
}
"""name -> sRGB, 0..255"""
NUMBERS = ("", "one", "two", "three", "four")
SHAPES = ("circle", "square", "triangle", "star", "heart", "ring")
PATTERNS = ("plain", "striped", "dotted", "checkered")
PLACES = ("mountains", "meadow", "desert", "sea", "forest", "city")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
STYLES = ("plain", "sketch", "pixel art", "sepia")
PEOPLE = ("woman", "man", "old man", "knight", "robot")
ANIMALS = ("cat", "dog", "owl", "fish")
THINGS = ("house", "castle", "tree", "flower", "boat", "car")
SUBJECTS = (*PEOPLE, *ANIMALS, *THINGS)
NATURAL_COLOURS = {
    "woman": ("red", "blue", "green", "purple", "white", "black", "yellow"),
    "man": ("red", "blue", "green", "gray", "brown", "black"),
    "old man": ("blue", "green", "brown", "gray", "red"),
    "cat": ("black", "white", "orange", "gray", "brown"),
    "dog": ("black", "white", "brown", "gray", "yellow"),
    "owl": ("brown", "white", "gray", "orange"),
    "tree": ("green", "green", "orange", "pink", "yellow"),
    "knight": ("gray", "gray", "black", "yellow", "blue"),
}
"""those that a subject mostly has; any other subject has any colour"""


@dataclass(frozen=True)
class Group:
    """Equal shapes: 1 to 4 of a colour and pattern."""

    count: int
    colour: str
    shape: str
    pattern: str = "plain"
    large: bool = True


@dataclass(frozen=True)
class Shapes:
    """One or two groups of shapes on a plain background."""

    groups: tuple[Group, ...]
    background: str
    style: str = "plain"


@dataclass(frozen=True)
class Texture:
    """A pattern of two colours that fills the picture."""

    pattern: str
    colours: tuple[str, str]
    style: str = "plain"


@dataclass(frozen=True)
class View:
    """A place, with a subject of a colour or without."""

    place: str
    time: str
    weather: str
    subject: str | None = None
    colour: str | None = None
    style: str = "plain"


Scene = Shapes | Texture | View


def _style(random: Random) -> str:
    return random.choices(STYLES, weights=(76, 8, 8, 8))[0]


def _group(random: Random, avoid: Sequence[str]) -> Group:
    pattern = random.choices(PATTERNS, weights=(52, 16, 16, 16))[0]
    return Group(
        count=random.choices((1, 2, 3, 4), weights=(40, 24, 20, 16))[0],
        colour=random.choice([colour for colour in COLOURS if colour not in avoid]),
        shape=random.choice(SHAPES),
        pattern=pattern,
        large=pattern != "plain" or random.random() < 0.7,
    )


def draw_shapes(random: Random) -> Shapes:
    """A scene of shapes; a fifth of them has a second group, of one plain shape each."""
    background = random.choice(list(COLOURS))
    first = _group(random, [background])
    if random.random() < 0.2:
        second = _group(random, [background, first.colour])
        pair = [
            dataclasses.replace(g, count=1, pattern="plain", large=True) for g in (first, second)
        ]
        return Shapes(tuple(pair), background, _style(random))
    return Shapes((first,), background, _style(random))


def draw_texture(random: Random) -> Texture:
    """A texture of two different colours."""
    first, second = random.sample(list(COLOURS), 2)
    return Texture(random.choice(PATTERNS[1:]), (first, second), _style(random))


def draw_view(random: Random) -> View:
    """A view; three quarters have a subject. Fish and boats mostly keep to the sea."""
    subject = random.choice(SUBJECTS) if random.random() < 0.75 else None
    colours = list(NATURAL_COLOURS.get(subject or "", ())) or list(COLOURS)
    at_sea = subject in ("fish", "boat") and random.random() < 0.85
    return View(
        place="sea" if at_sea else random.choice(PLACES),
        time=random.choices(TIMES, weights=(50, 22, 28))[0],
        weather=random.choices(WEATHERS, weights=(46, 14, 15, 13, 12))[0],
        subject=subject,
        colour=random.choice(colours) if subject else None,
        style=_style(random),
    )


def draw_scene(random: Random) -> Scene:
    """One scene of the distribution that the model is trained on."""
    draw: Callable[[Random], Scene] = random.choices(
        (draw_view, draw_shapes, draw_texture), weights=(60, 35, 5)
    )[0]
    return draw(random)


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _describe_group(group: Group, random: Random) -> str:
    pattern = "" if group.pattern == "plain" else f"{group.pattern} "
    size = "" if group.large else "small "
    if group.count == 1:
        return _article(f"{size}{group.colour} {pattern}{group.shape}")
    number = NUMBERS[group.count] if random.random() < 0.85 else str(group.count)
    return f"{number} {size}{group.colour} {pattern}{group.shape}s"


def _describe_shapes(scene: Shapes, random: Random) -> str:
    shapes = " and ".join(_describe_group(group, random) for group in scene.groups)
    on = random.choice((" on a {} background", " on {}", ", {} background"))
    background = on.format(scene.background)
    return shapes + background.replace(" a orange", " an orange")


def _describe_texture(scene: Texture, random: Random) -> str:
    first, second = scene.colours
    return random.choice(
        (
            f"{first} and {second} {scene.pattern} texture",
            f"{scene.pattern} pattern in {first} and {second}",
            f"a {scene.pattern} background, {first} and {second}",
        )
    )


_PLACES = {
    "mountains": ("in the mountains", "mountains", "in front of mountains", "a mountain landscape"),
    "meadow": ("in a meadow", "green hills", "on a meadow", "a meadow with hills"),
    "desert": ("in the desert", "sand dunes", "desert", "a desert landscape"),
    "sea": ("by the sea", "on the sea", "the ocean", "a seascape"),
    "forest": ("in the forest", "forest", "in the woods", "a forest"),
    "city": ("in the city", "city skyline", "in a city street", "a city"),
}
"""place -> where a subject is (all but the last), and the view without one (the last)"""
_TIMES = {
    "day": ("", "", "by day", "daylight", "blue sky"),
    "sunset": ("at sunset", "sunset", "golden hour", "in the evening"),
    "night": ("at night", "night", "starry night", "moonlight"),
}
_WEATHERS = {
    "clear": ("", "", "clear sky"),
    "cloudy": ("cloudy", "clouds", "overcast"),
    "rain": ("in the rain", "rain", "rainy", "a storm"),
    "snow": ("in the snow", "snow", "snowing", "winter"),
    "fog": ("in the fog", "fog", "misty", "foggy"),
}
_HIDDEN_BY = {
    "blue sky": ("cloudy", "rain", "snow", "fog"),
    "starry night": ("cloudy", "rain", "snow", "fog"),
    "moonlight": ("rain", "snow", "fog"),
    "sand dunes": ("snow",),
    "green hills": ("snow",),
}
"""phrase -> the weathers in which a picture does not show it"""
_STYLES = {
    "plain": ("{}", "{}", "{}", "{}", "a picture of {}", "{}, photo"),
    "sketch": ("a pencil sketch of {}", "{}, sketch", "a drawing of {}"),
    "pixel art": ("pixel art of {}", "{}, pixel art"),
    "sepia": ("a sepia photo of {}", "{}, sepia", "{}, vintage photo"),
}


def _describe_subject(scene: View, random: Random) -> str:
    subject, colour = scene.subject or "", scene.colour
    if random.random() < 0.15:
        return _article(subject)
    if subject in ("woman", "man", "old man"):
        dressed = random.choice((f" in {colour}", f" wearing {colour}", f" in {colour} clothes"))
        portrait = random.choice(("", "", "portrait of "))
        return portrait + _article(subject) + dressed
    return _article(f"{colour} {subject}")


def _choose(random: Random, phrases: Sequence[str], weather: str) -> str:
    return random.choice([words for words in phrases if weather not in _HIDDEN_BY.get(words, ())])


def _describe_view(scene: View, random: Random) -> str:
    *with_subject, alone = _PLACES[scene.place]
    time = _choose(random, _TIMES[scene.time], scene.weather)
    weather = random.choice(_WEATHERS[scene.weather])
    if scene.subject is None:
        parts = [_choose(random, (alone, alone, with_subject[1]), scene.weather), time, weather]
    else:
        place = _choose(random, with_subject, scene.weather) if random.random() < 0.85 else ""
        parts = [_describe_subject(scene, random), place, time, weather]
    text = parts[0]
    for part in filter(None, parts[1:]):
        joined = part.startswith(("in ", "at ", "on ", "by "))
        text += (" " if joined and random.random() < 0.7 else ", ") + part
    return text


def describe(scene: Scene, random: Random) -> str:
    """A caption. Mostly everything in the scene is named; what is not, the caption leaves open."""
    if isinstance(scene, Shapes):
        text = _describe_shapes(scene, random)
    elif isinstance(scene, Texture):
        text = _describe_texture(scene, random)
    else:
        text = _describe_view(scene, random)
    return random.choice(_STYLES[scene.style]).format(text)


def complete_caption(scene: Shapes, random: Random) -> str:
    """A caption of a plain scene of shapes that leaves nothing out: what a program reads back."""
    return _describe_shapes(scene, random)

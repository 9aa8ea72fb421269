"""What is asked for: scenes drawn from the pocket model's grammar, with a caption and a seed each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from benchmarks._tunnel.arrays import Pixels
from tools.pocket.grammar import Scene, Shapes, complete_caption, describe, draw_scene, draw_shapes
from tools.pocket.painting import paint

SIZE = (128, 128)
COPIES = 8
"""true pictures of each caption, which make the true distribution"""
SEEDS = 2**31


@dataclass(frozen=True)
class Case:
    """One picture to be made.

    Attributes:
        key: names the case; whatever is drawn at random for it is drawn from this.
        scene: what the picture is to show.
        caption: the prompt.
        seed: the picture's seed in the host.
    """

    key: str
    scene: Scene
    caption: str
    seed: int

    @property
    def shapes(self) -> Shapes | None:
        """The scene, where a program can read back from the picture what the caption says."""
        return _readable(self.scene)

    @property
    def readable(self) -> bool:
        """Whether there is such a scene."""
        return self.shapes is not None


def _readable(scene: Scene) -> Shapes | None:
    return scene if isinstance(scene, Shapes) and scene.style == "plain" else None


def draw_case(seed: int, index: int) -> Case:
    """Draw a case: of every two, one from the whole grammar, the other one that can be read back."""
    key = f"tunnel {seed} {index}"
    random = Random(key)
    scene = draw_scene(random) if index % 2 else replace(draw_shapes(random), style="plain")
    shapes = _readable(scene)
    caption = describe(scene, random) if shapes is None else complete_caption(shapes, random)
    return Case(key, scene, caption, random.randrange(SEEDS))


def draw_cases(seed: int, number: int) -> list[Case]:
    """Draw ``number`` cases; the first ones of a seed are the same whatever the number."""
    return [draw_case(seed, index) for index in range(number)]


def true_pictures(cases: Sequence[Case], copy: int) -> Pixels:
    """Paint one sharp, uncropped picture of each case: uint8 [N,128,128,3]; copies differ in details."""
    painted = (paint(case.scene, SIZE, Random(f"{case.key} copy {copy}")) for case in cases)
    return np.stack([np.asarray(picture, dtype=np.uint8) for picture in painted])

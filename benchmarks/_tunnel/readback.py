"""Reads colours, number and pattern of shapes back from a picture, without knowing its caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage import color, filters, measure, morphology

from benchmarks._tunnel.arrays import Mask, Numbers, Pixels
from tools.pocket.grammar import COLOURS, Shapes
from tools.pocket.painting import SECOND_COLOURS

BORDER = 4
"""pixels along the edges from which the background is taken"""
INLIER = 15.0
FOREGROUND, MOST_FOREGROUND, FOREGROUND_SHARE = 13.0, 22.0, 0.22
"""a shape begins at this distance in Lab (CIE 1976) from the background, or this share of the largest"""
SMALLEST_AREA, SMALLEST_SHARE = 45, 0.25
"""of a shape: in pixels, and of the largest one"""
CONTRAST, MINORITY = 17.0, 0.10
"""a pattern: this share of pixels differs by this much in Lab from those as far from the shape's edge"""
DEEPEST = 12
"""pixels from the edge, beyond which all are alike"""
STRIPED, CHECKERED = 0.4, 0.25
"""how alike the directions of edges are, modulo 180 and modulo 90 degrees"""


@dataclass(frozen=True)
class Reading:
    """What a picture of shapes shows."""

    colours: frozenset[str]
    background: str
    count: int
    pattern: str


def expected(scene: Shapes) -> Reading:
    """Return the reading of a picture that follows a scene's complete caption."""
    return Reading(
        colours=frozenset(group.colour for group in scene.groups),
        background=scene.background,
        count=sum(group.count for group in scene.groups),
        pattern=scene.groups[0].pattern,
    )


def follows(scene: Shapes, picture: Pixels) -> tuple[bool, bool, bool]:
    """Whether colours (the background's among them), count and pattern of uint8 [H,W,3] are the scene's."""
    wanted, found = expected(scene), read(picture)
    return (
        (found.colours, found.background) == (wanted.colours, wanted.background),
        found.count == wanted.count,
        found.pattern == wanted.pattern,
    )


def _lab(colours: object) -> Numbers:
    rgb = np.asarray(colours, dtype=np.float64) / 255
    return np.asarray(color.rgb2lab(rgb[None])[0])


PALETTE = _lab(list(COLOURS.values()))
SECONDS = _lab(list(SECOND_COLOURS.values()))
NAMES = tuple(COLOURS)


def read(picture: Pixels) -> Reading:
    """Read uint8 [H,W,3]."""
    smoothed = ndimage.gaussian_filter(picture.astype(np.float64), (0.6, 0.6, 0)) / 255
    lab = np.asarray(color.rgb2lab(smoothed))
    background = _background(lab)
    distance = np.linalg.norm(lab - background[:, None], axis=2)
    largest = FOREGROUND_SHARE * np.quantile(distance, 0.98)
    foreground = distance > np.clip(largest, FOREGROUND, MOST_FOREGROUND)
    regions = _regions(foreground)
    shapes = [_Shape.of(lab, region & foreground, region) for region in regions]
    middle = background[len(background) // 2]
    return Reading(
        colours=frozenset(shape.colour for shape in shapes),
        background=NAMES[int(np.linalg.norm(PALETTE - middle, axis=1).argmin())],
        count=len(shapes),
        pattern=_pattern(shapes),
    )


def _background(lab: Numbers) -> Numbers:
    """Return the background's colour [H,3] in each row: a line through what is alike along the edges."""
    height, width, _ = lab.shape
    edge = np.ones((height, width), dtype=bool)
    edge[BORDER:-BORDER, BORDER:-BORDER] = False
    rows = np.nonzero(edge)[0] / height
    colours = lab[edge]
    fitted = np.tile(np.median(colours, axis=0), (len(colours), 1))
    line = np.stack([np.zeros(3), np.median(colours, axis=0)])
    for _ in range(3):
        alike = np.linalg.norm(colours - fitted, axis=1) < INLIER
        if alike.sum() < BORDER * height / 2:
            break
        line = np.polyfit(rows[alike], colours[alike], 1)
        fitted = rows[:, None] * line[0] + line[1]
    found: Numbers = np.arange(height)[:, None] / height * line[0] + line[1]
    return found


def _regions(foreground: Mask) -> list[Mask]:
    """Return the masks of the shapes, holes filled, specks left out."""
    opened = morphology.binary_opening(foreground, morphology.disk(1))
    labels = measure.label(ndimage.binary_fill_holes(opened), connectivity=1)
    areas = np.bincount(labels.ravel())[1:]
    least = max(SMALLEST_AREA, SMALLEST_SHARE * areas.max(initial=0))
    return [labels == 1 + index for index, area in enumerate(areas) if area >= least]


def _angular(gradients: Numbers, folds: int) -> complex:
    """Return the sum of the squared gradients [2,n], each turned to its angle times ``folds``."""
    down, across = gradients
    return complex(np.sum((down**2 + across**2) * np.exp(1j * folds * np.arctan2(down, across))))


@dataclass(frozen=True)
class _Shape:
    """One shape: its colour, its area in pixels, and the weight of edges inside: all, and those alike."""

    colour: str
    area: int
    edges: float = 0.0
    alike_180: float = 0.0
    alike_90: float = 0.0

    @staticmethod
    def of(lab: Numbers, visible: Mask, region: Mask) -> _Shape:
        area = int(region.sum())
        depth = ndimage.distance_transform_edt(np.pad(visible, 1))[1:-1, 1:-1]
        if not _has_pattern(lab[visible], depth[visible]):
            return _Shape(_nearest(lab[depth >= min(4.0, depth.max() / 2)]), area)
        pixels = lab[depth >= min(2.5, depth.max() / 2)]
        axis = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)[2][0]
        along = pixels @ axis
        high = along > filters.threshold_otsu(along)
        if not high.any():
            return _Shape(_nearest(pixels), area)
        two = [np.median(pixels[side], axis=0) for side in (high, ~high)]
        deep = ndimage.binary_erosion(region, iterations=3)
        projected = ndimage.gaussian_filter(lab @ axis, 0.8)
        gradients = np.stack([ndimage.sobel(projected, axis=axis)[deep] for axis in (0, 1)])
        return _Shape(
            _named_of_two(*two),
            area,
            edges=float((gradients**2).sum()),
            alike_180=abs(_angular(gradients, 2)),
            alike_90=abs(_angular(gradients, 4)),
        )


def _has_pattern(pixels: Numbers, depth: Numbers) -> bool:
    """Whether Lab pixels [n,3] differ from others that are as deep inside: soft edges are no pattern."""
    levels = np.minimum(depth, DEEPEST).astype(int)
    deviating = inside = 0
    for level in range(2, levels.max(initial=0) + 1):
        alike = pixels[levels == level]
        if len(alike):
            distance = np.linalg.norm(alike - np.median(alike, axis=0), axis=1)
            deviating += int((distance > CONTRAST).sum())
            inside += len(alike)
    return deviating > MINORITY * inside


def _nearest(pixels: Numbers) -> str:
    return NAMES[int(np.linalg.norm(PALETTE - np.median(pixels, axis=0), axis=1).argmin())]


def _named_of_two(first: Numbers, second: Numbers) -> str:
    """Return the colour that the caption names: the pair of it and a second colour fits best."""
    best = min(
        (
            np.linalg.norm(PALETTE[name] - one) + np.linalg.norm(SECONDS - other, axis=1).min(),
            name,
        )
        for one, other in ((first, second), (second, first))
        for name in range(len(NAMES))
    )
    return NAMES[best[1]]


def _pattern(shapes: list[_Shape]) -> str:
    patterned = [shape for shape in shapes if shape.edges]
    if sum(s.area for s in patterned) * 2 <= sum(s.area for s in shapes):
        return "plain"
    edges = sum(shape.edges for shape in patterned)
    if sum(shape.alike_180 for shape in patterned) > STRIPED * edges:
        return "striped"
    alike = sum(shape.alike_90 for shape in patterned)
    return "checkered" if alike > CHECKERED * edges else "dotted"

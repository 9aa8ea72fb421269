"""All numbers of all settings, with intervals, and whether each setting differs from its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks._tunnel.arrays import Numbers, Pixels
from benchmarks._tunnel.cases import COPIES, Case, true_pictures
from benchmarks._tunnel.features import Projection, suitable_dimensions
from benchmarks._tunnel.measures import (
    BAND_NAMES,
    Estimate,
    Moments,
    estimate,
    frechet,
    log_energies,
    resampling,
    share,
    share_difference,
)
from benchmarks._tunnel.readback import follows

Kind = Literal["distance", "detail", "following"]
Verdict = Literal["helps", "hurts", "no visible effect"]
Found = dict[str, Numbers]
"""By measure: of those of the kind "following" the pictures' marks [N] (1 right, 0 wrong, NaN unreadable),
of all others the value [1 + R] for each resampling of the captions, the sample itself first."""


@dataclass(frozen=True)
class Measure:
    """One column: a distance (0 is best), detail (1 is best) or following (100 % is best)."""

    key: str
    title: str
    kind: Kind

    def value(self, found: Numbers) -> Estimate:
        """Estimate what the table shows of one set of pictures: percent, or a ratio to the truth."""
        if self.kind == "following":
            return _scaled(share(found), 100)
        return self._shown(found)

    def difference(self, mine: Numbers, other: Numbers) -> Estimate:
        """Estimate what the table shows of two sets of pictures of equal captions: percent, or a ratio."""
        if self.kind == "following":
            return _scaled(share_difference(mine, other), 100)
        return self._shown(mine - other)

    def _shown(self, draws: Numbers) -> Estimate:
        inner = estimate(draws, biased=self.kind == "distance")
        if self.kind == "detail":
            return Estimate(*np.exp([inner.value, inner.low, inner.high]).tolist())
        return _scaled(inner, 100)

    def verdict(self, mine: Numbers, other: Numbers) -> Verdict:
        """Judge by the interval that the table shows; more detail is better where there is too little."""
        if np.array_equal(mine, other, equal_nan=True):
            return "no visible effect"
        shown = self.difference(mine, other)
        if not shown.excludes(1 if self.kind == "detail" else 0):
            return "no visible effect"
        better = {
            "distance": shown.high < 0,
            "detail": abs(mine[0]) < abs(other[0]),
            "following": shown.low > 0,
        }[self.kind]
        return "helps" if better else "hurts"


def _scaled(inner: Estimate, factor: float) -> Estimate:
    return Estimate(*(factor * number for number in (inner.value, inner.low, inner.high)))


MEASURES: Sequence[Measure] = (
    Measure("frechet", "Frechet distance", "distance"),
    *(Measure(f"detail {name}", f"detail {name}", "detail") for name in BAND_NAMES),
    *(Measure(name, f"{name} right", "following") for name in ("colour", "count", "pattern")),
)


@dataclass(frozen=True)
class Difference:
    """A setting against its baseline on equal captions and seeds: difference or ratio, and what it means."""

    shown: Estimate
    verdict: Verdict


class Truth:
    """The true distribution of some captions, and the resampling of captions that all numbers share."""

    def __init__(self, cases: Sequence[Case], seed: int):
        self.cases = cases
        self.weights = resampling(len(cases), seed)
        copies = [true_pictures(cases, copy) for copy in range(COPIES)]
        together = np.concatenate(copies)
        self.dimensions = suitable_dimensions(len(cases))
        self.project, features = Projection.fit(together, self.dimensions)
        per_case = features.reshape(COPIES, len(cases), -1).swapaxes(0, 1)
        self._gaussians = Moments.of(per_case).gaussians(self.weights)
        self._log_energies = np.mean([log_energies(pictures) for pictures in copies], axis=0)

    def more_pictures(self) -> Pixels:
        """Paint a true picture of each caption that the distribution was not made from."""
        return true_pictures(self.cases, COPIES)

    def found(self, pictures: Pixels) -> Found:
        """Measure uint8 pictures [N,H,W,3], one for each caption."""
        sampled = Moments.of(self.project(pictures)).gaussians(self.weights)
        logarithms = log_energies(pictures) - self._log_energies
        marks = np.array(
            [
                (np.nan,) * 3 if case.shapes is None else follows(case.shapes, picture)
                for case, picture in zip(self.cases, pictures, strict=True)
            ],
            dtype=float,
        )
        columns = [
            frechet(self._gaussians, sampled),
            *(self.weights @ logarithms).T,
            *marks.T,
        ]
        return {measure.key: column for measure, column in zip(MEASURES, columns, strict=True)}


def values(found: Found) -> dict[str, Estimate]:
    """Return what the table shows of one set of pictures, by measure."""
    return {measure.key: measure.value(found[measure.key]) for measure in MEASURES}


def differences(mine: Found, other: Found) -> dict[str, Difference]:
    """Return how one set of pictures differs from another, by measure."""
    pairs = {m: (mine[m.key], other[m.key]) for m in MEASURES}
    return {m.key: Difference(m.difference(*pair), m.verdict(*pair)) for m, pair in pairs.items()}


def change(pictures: Pixels, baseline: Pixels) -> float:
    """Return the root mean square difference of two sets of uint8 pictures, in levels of 255."""
    return float(np.sqrt(np.mean((pictures.astype(np.float64) - baseline) ** 2)))


def as_json(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | None]]:
    """Return estimates for JSON, which has no NaN."""
    return {
        key: {
            name: number if np.isfinite(number) else None
            for name, number in (("value", e.value), ("low", e.low), ("high", e.high))
        }
        for key, e in estimates.items()
    }

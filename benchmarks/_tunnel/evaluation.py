"""All numbers of all settings, with intervals, and whether each setting differs from its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

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
    weighted_mean,
)
from benchmarks._tunnel.readback import follows

Kind = Literal["distance", "detail", "following"]
Verdict = Literal["helps", "hurts", "no visible effect"]
Draws = dict[str, np.ndarray]


@dataclass(frozen=True)
class Measure:
    """One column: a distance (0 is best), detail (1 is best) or following (100 % is best)."""

    key: str
    title: str
    kind: Kind

    def shown(self, draws: np.ndarray) -> Estimate:
        """Estimate from draws, of values or differences, what the table shows: percent, or a ratio."""
        inner = estimate(draws, biased=self.kind == "distance")
        if self.kind == "detail":
            return Estimate(*np.exp([inner.value, inner.low, inner.high]).tolist())
        return Estimate(*(100 * number for number in (inner.value, inner.low, inner.high)))


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

    def more_pictures(self) -> np.ndarray:
        """Paint a true picture of each caption that the distribution was not made from."""
        return true_pictures(self.cases, COPIES)

    def draws(self, pictures: np.ndarray) -> Draws:
        """Return each measure of uint8 pictures [N,H,W,3], one for each caption, for each resampling."""
        sampled = Moments.of(self.project(pictures)).gaussians(self.weights)
        logarithms = log_energies(pictures) - self._log_energies
        right = np.array(
            [
                follows(case.scene, picture) if case.readable else (np.nan,) * 3
                for case, picture in zip(self.cases, pictures, strict=True)
            ],
            dtype=float,
        )
        columns = [
            frechet(self._gaussians, sampled),
            *weighted_mean(logarithms, self.weights).T,
            *weighted_mean(right, self.weights).T,
        ]
        return {measure.key: column for measure, column in zip(MEASURES, columns, strict=True)}


def values(draws: Draws) -> dict[str, Estimate]:
    """Return what the table shows of one set of pictures, by measure."""
    estimates = {m.key: m.shown(draws[m.key]) for m in MEASURES}
    for measure in MEASURES:
        if measure.kind == "following":
            found = estimates[measure.key]
            bounded = np.clip([found.value, found.low, found.high], 0, 100).tolist()
            estimates[measure.key] = Estimate(*bounded)
    return estimates


def differences(draws: Draws, baseline: Draws) -> dict[str, Difference]:
    """Return how one set of pictures differs from another, by measure."""
    found = {}
    for measure in MEASURES:
        mine, other = draws[measure.key], baseline[measure.key]
        shown = measure.shown(mine - other)
        found[measure.key] = Difference(shown, _verdict(measure, mine, other))
    return found


def _verdict(measure: Measure, mine: np.ndarray, other: np.ndarray) -> Verdict:
    """Judge by the interval of what got worse: distance, how far detail is from true, pictures misread."""
    if np.array_equal(mine, other):
        return "no visible effect"
    worse = {
        "distance": mine - other,
        "detail": np.abs(mine) - np.abs(other),
        "following": other - mine,
    }[measure.kind]
    interval = estimate(worse)
    if interval.high < 0:
        return "helps"
    return "hurts" if interval.low > 0 else "no visible effect"


def change(pictures: np.ndarray, baseline: np.ndarray) -> float:
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

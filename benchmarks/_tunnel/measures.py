"""Numbers of a set of pictures, and how sure they are: Frechet distance, detail in bands, shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks._tunnel.arrays import Numbers, Pixels

BANDS = ((4, 8), (8, 16), (16, 32), (32, 64))
"""radial frequencies, lower end included, in cycles per picture of 128 pixels: octaves"""
BAND_NAMES = tuple(f"{128 // high}-{128 // low} px" for low, high in BANDS)
RESAMPLES = 1000
LEAST_ENERGY = 1e-9
LUMINANCE = np.array([0.299, 0.587, 0.114])
"""of red, green and blue (ITU-R BT.601)"""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def excludes(self, number: float) -> bool:
        """Whether the interval lies on one side of a number."""
        return self.low > number or self.high < number


def resampling(samples: int, seed: int, resamples: int = RESAMPLES) -> Numbers:
    """Return weights [1 + resamples, samples] that sum to 1: the sample itself, then bootstrap draws of it.

    One matrix serves all settings: what is drawn together is compared together.
    """
    random = np.random.default_rng([seed, samples])
    rows = random.integers(0, samples, (resamples, samples))
    counts = np.stack([np.bincount(row, minlength=samples) for row in rows])
    weights: Numbers = np.concatenate([np.ones((1, samples)), counts]) / samples
    return weights


def estimate(values: Numbers, *, biased: bool = False) -> Estimate:
    """Return the estimate of a statistic from its values for each row of `resampling`.

    The interval is the bootstrap's "basic" one: draws differ from the sample as the sample from the
    truth. By the same reasoning the value of a ``biased`` statistic is corrected: the Frechet distance
    of few pictures is too large.
    """
    own, draws = float(values[0]), values[1:]
    low, high = np.quantile(draws, (0.025, 0.975))
    value = 2 * own - float(draws.mean()) if biased else own
    return Estimate(value, 2 * own - float(high), 2 * own - float(low))


def share(marks: Numbers) -> Estimate:
    """Return the share of marks [N] (1 or 0; NaN is left out) that are 1, with Wilson's interval.

    The bootstrap has no valid interval near 0 and 1: of 29 pictures that are all right, every draw is.
    """
    known = marks[np.isfinite(marks)]
    if not len(known):
        return Estimate(*[float("nan")] * 3)
    interval = stats.binomtest(int(known.sum()), len(known)).proportion_ci(method="wilson")
    return Estimate(float(known.mean()), float(interval.low), float(interval.high))


def share_difference(first: Numbers, second: Numbers) -> Estimate:
    """Return how far the share of one set of marks [N] lies above another's of the same N captions.

    The interval is Newcombe's (1998, Statistics in Medicine 17, 2635-2650, method 10): Wilson's of both
    shares, put together with the correlation of the marks.
    """
    known = np.isfinite(first) & np.isfinite(second)
    mine, other = first[known], second[known]
    if not len(mine):
        return Estimate(*[float("nan")] * 3)
    one, two = share(mine), share(other)
    both, neither = np.sum((mine == 1) & (other == 1)), np.sum((mine == 0) & (other == 0))
    apart = np.sum((mine == 1) & (other == 0)), np.sum((mine == 0) & (other == 1))
    excess = float(both * neither - apart[0] * apart[1])
    excess = max(excess - len(mine) / 2, 0.0) if excess > 0 else excess
    spread = float(mine.sum() * other.sum() * (1 - mine).sum() * (1 - other).sum()) ** 0.5
    correlation = excess / spread if spread else 0.0

    def reach(up: float, down: float) -> float:
        return float(np.sqrt(max(up**2 - 2 * correlation * up * down + down**2, 0.0)))

    difference = one.value - two.value
    below = reach(one.value - one.low, two.high - two.value)
    above = reach(one.high - one.value, two.value - two.low)
    return Estimate(difference, difference - below, difference + above)


@dataclass(frozen=True)
class Moments:
    """First and second moments of features per caption: [N,d] and [N,d,d]."""

    first: Numbers
    second: Numbers

    @staticmethod
    def of(features: Numbers) -> Moments:
        """Take them of features [N,d], or [N,copies,d] of several pictures for each caption."""
        copies = features if features.ndim == 3 else features[:, None]
        second = np.einsum("nki,nkj->nij", copies, copies) / copies.shape[1]
        return Moments(copies.mean(axis=1), second)

    def gaussians(self, weights: Numbers) -> tuple[Numbers, Numbers]:
        """Return the means [R,d] and covariances [R,d,d] under weights [R,N]."""
        means = weights @ self.first
        second = (weights @ self.second.reshape(len(self.second), -1)).reshape(
            -1, *self.second.shape[1:]
        )
        return means, second - means[:, :, None] * means[:, None, :]


def frechet(first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]) -> Numbers:
    """Return the squared Frechet distances [R] of Gaussians, each a pair of means [R,d] and covariances.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), as in Heusel et al. 2017.
    """
    (means, covariances), (other_means, other_covariances) = first, second
    values, vectors = np.linalg.eigh(covariances)
    roots = np.sqrt(np.maximum(values, 0))
    root = (vectors * roots[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    product = root @ other_covariances @ root
    cross: Numbers = np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum(axis=1)
    traces = np.trace(covariances, axis1=1, axis2=2) + np.trace(other_covariances, axis1=1, axis2=2)
    apart: Numbers = ((means - other_means) ** 2).sum(axis=1) + traces - 2 * cross
    return apart


def band_energies(pictures: Pixels) -> Numbers:
    """Return the energies [N,bands] of the luminance of uint8 pictures [N,H,W,3], in (0..1)^2.

    A sine of amplitude a has the energy a^2 / 2. Pictures are faded out towards their edges (Hann).
    Frequencies are in cycles per 128 pixels, whatever the pictures' size.
    """
    luminance = pictures.astype(np.float64) @ LUMINANCE / 255
    height, width = luminance.shape[1:]
    window = np.outer(np.hanning(height), np.hanning(width))
    window /= np.sqrt((window**2).mean())
    centred = luminance - luminance.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(centred * window)) ** 2 / (height * width) ** 2
    frequency = 128 * np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    inside = [(frequency >= low) & (frequency < high) for low, high in BANDS]
    return np.stack([power[:, band].sum(axis=1) for band in inside], axis=1)


def log_energies(pictures: Pixels) -> Numbers:
    """Return natural logarithms [N,bands] of `band_energies`, bounded for pictures of one colour."""
    logarithms: Numbers = np.log(np.maximum(band_energies(pictures), LEAST_ENERGY))
    return logarithms

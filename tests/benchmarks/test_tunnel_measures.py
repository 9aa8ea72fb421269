"""The wind tunnel's numbers against references that are computed in another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.linalg import sqrtm

from benchmarks._tunnel import measures
from benchmarks._tunnel.measures import Estimate, Moments


def gaussian(mean, covariance):
    return np.asarray(mean, dtype=float)[None], np.asarray(covariance, dtype=float)[None]


def test_distance_of_gaussians_that_commute_is_known_in_closed_form():
    first = gaussian([0, 0, 0], np.diag([1.0, 4.0, 9.0]))
    second = gaussian([1, 2, -2], np.diag([4.0, 4.0, 1.0]))
    # |m|^2 = 9; the deviations differ by 1, 0 and 2
    assert measures.frechet(first, second)[0] == pytest.approx(9 + 1 + 0 + 4)


def test_distance_agrees_with_the_matrix_square_root_of_scipy():
    random = np.random.default_rng(3)
    roots = random.normal(size=(2, 6, 6))
    covariances = roots @ np.swapaxes(roots, 1, 2)
    means = random.normal(size=(2, 6))
    cross = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    wanted = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances.sum(axis=0)) - 2 * cross
    found = measures.frechet(gaussian(means[0], covariances[0]), gaussian(means[1], covariances[1]))
    assert found[0] == pytest.approx(wanted)


def test_moments_under_weights_are_those_of_the_resampled_pictures():
    random = np.random.default_rng(4)
    features = random.normal(size=(9, 3, 4))  # three copies of each of nine captions
    weights = measures.resampling(9, seed=1, resamples=5)
    means, covariances = Moments.of(features).gaussians(weights)
    counts = np.rint(weights[3] * 9).astype(int)
    drawn = features.repeat(counts, axis=0).reshape(-1, 4)
    assert counts.sum() == 9
    assert means[3] == pytest.approx(drawn.mean(axis=0))
    assert covariances[3] == pytest.approx(np.cov(drawn.T, bias=True))


def test_the_first_weights_are_the_sample_itself():
    assert (measures.resampling(16, seed=1, resamples=3)[0] == 1 / 16).all()


def test_an_estimate_contains_the_true_mean_for_nineteen_seeds_of_twenty():
    hits = 0
    for seed in range(200):
        sample = np.random.default_rng([7, seed]).exponential(size=(64, 1))
        weights = measures.resampling(64, seed, resamples=400)
        found = measures.estimate(measures.weighted_mean(sample, weights)[:, 0])
        hits += found.low <= 1.0 <= found.high
    assert 176 <= hits <= 197  # 95 % of 200, less a little for a skewed distribution of few


def test_an_interval_is_as_wide_as_that_of_the_normal_theory():
    sample = np.random.default_rng(2).normal(size=(100, 1))
    draws = measures.weighted_mean(sample, measures.resampling(100, seed=2))[:, 0]
    found = measures.estimate(draws)
    wanted = 2 * 1.96 * sample.std(ddof=1) / 10
    assert found.high - found.low == pytest.approx(wanted, rel=0.1)


def test_an_interval_leans_to_the_side_from_which_draws_stay_away():
    draws = np.concatenate([[1.0], np.full(50, 1.0), np.full(50, 4.0)])
    found = measures.estimate(draws)
    assert (found.low, found.value, found.high) == (-2.0, 1.0, 1.0)


def test_the_correction_takes_most_of_the_bias_from_the_distance_of_equal_distributions():
    raw, corrected = [], []
    for seed in range(12):
        features = np.random.default_rng([8, seed]).normal(size=(2, 64, 8))
        weights = measures.resampling(64, seed, resamples=200)
        distances = measures.frechet(*(Moments.of(f).gaussians(weights) for f in features))
        raw.append(distances[0])
        corrected.append(measures.estimate(distances, biased=True).value)
    assert np.mean(raw) > 0.3
    assert abs(np.mean(corrected)) < 0.35 * np.mean(raw)


def test_the_mean_itself_is_not_corrected():
    values = np.random.default_rng(9).normal(size=(16, 1))
    draws = measures.weighted_mean(values, measures.resampling(16, seed=1, resamples=50))[:, 0]
    assert measures.estimate(draws).value == pytest.approx(values.mean())


def test_pictures_that_say_nothing_are_left_out_of_a_mean():
    values = np.array([[1.0], [np.nan], [0.0], [np.nan]])
    assert measures.weighted_mean(values, np.full((1, 4), 0.25))[0, 0] == 0.5
    nothing = measures.weighted_mean(np.full((4, 1), np.nan), np.full((3, 4), 0.25))
    assert math.isnan(measures.estimate(nothing[:, 0]).value)


def sine(cycles: float, amplitude: float, size: int = 128, angle: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size] / size
    along = x * math.cos(angle) + y * math.sin(angle)
    gray = 0.5 + amplitude * np.sin(2 * math.pi * cycles * along)
    return np.rint(np.repeat(gray[None, ..., None], 3, axis=3) * 255).astype(np.uint8)


@pytest.mark.parametrize(("cycles", "band"), [(5.7, 0), (11.3, 1), (22.6, 2), (45.2, 3)])
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_a_sine_has_half_its_squared_amplitude_in_its_band_alone(cycles, band, angle):
    energies = measures.band_energies(sine(cycles, 0.3, angle=angle))[0]
    assert energies[band] == pytest.approx(0.3**2 / 2, rel=0.02)
    assert np.delete(energies, band).max() < 2e-4


def test_bands_are_cycles_per_128_pixels_in_pictures_of_any_size():
    energies = measures.band_energies(sine(22.6, 0.3, size=256))[0]
    assert energies.argmax() == 1  # 22.6 cycles over 256 pixels


def test_bands_do_not_overlap_and_are_named_by_their_periods():
    assert measures.BAND_NAMES == ("16-32 px", "8-16 px", "4-8 px", "2-4 px")
    assert all(a[1] == b[0] for a, b in zip(measures.BANDS, measures.BANDS[1:], strict=False))


def test_blur_takes_most_from_the_finest_band():
    noise = np.random.default_rng(5).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(noise[0]).filter(ImageFilter.GaussianBlur(1)))[None]
    loss = (measures.log_energies(soft) - measures.log_energies(noise))[0]
    assert (np.diff(loss) < 0).all()
    # a Gaussian of deviation 1 px damps frequency f by exp(-(2 pi f)^2) in energy; f = 3/128 is band 0's
    assert loss[0] == pytest.approx(-((2 * math.pi * 6 / 128) ** 2), abs=0.1)


def test_a_picture_of_one_colour_has_a_finite_logarithm():
    assert np.isfinite(measures.log_energies(np.full((1, 128, 128, 3), 90, np.uint8))).all()


def test_an_interval_excludes_what_it_does_not_hold():
    assert Estimate(0.5, 0.2, 0.8).excludes(1)
    assert not Estimate(0.5, 0.2, 1.8).excludes(1)

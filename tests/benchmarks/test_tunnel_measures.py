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
        sample = np.random.default_rng([7, seed]).exponential(size=64)
        found = measures.estimate(measures.resampling(64, seed, resamples=400) @ sample)
        hits += found.low <= 1.0 <= found.high
    assert 176 <= hits <= 197  # 95 % of 200, less a little for a skewed distribution of few


def test_an_interval_is_as_wide_as_that_of_the_normal_theory():
    sample = np.random.default_rng(2).normal(size=100)
    found = measures.estimate(measures.resampling(100, seed=2) @ sample)
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
    values = np.random.default_rng(9).normal(size=16)
    draws = measures.resampling(16, seed=1, resamples=50) @ values
    assert measures.estimate(draws).value == pytest.approx(values.mean())


def test_marks_that_are_unknown_are_left_out_of_a_share():
    marks = np.array([1.0, np.nan, 0.0, np.nan])
    found = measures.share(marks)
    assert found.value == 0.5
    assert found == measures.share(marks[[0, 2]])
    assert measures.share_difference(marks, np.array([0.0, 1.0, 0.0, np.nan])).value == 0.5
    nothing = np.full(4, np.nan)
    assert math.isnan(measures.share(nothing).value)
    assert math.isnan(measures.share_difference(nothing, marks).low)


def test_a_share_has_wilsons_interval():
    # (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), for 28 right of 29
    z, n, p = 1.959964, 29, 28 / 29
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = ((p + z**2 / (2 * n) + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    found = measures.share(np.array([0.0] + [1.0] * 28))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("all_alike", [0.0, 1.0])
def test_marks_that_are_all_alike_are_no_certainty(all_alike):
    marks = np.full(29, all_alike)
    found = measures.share(marks)
    assert found.high - found.low > 0.1
    difference = measures.share_difference(marks, marks)
    assert difference.value == 0
    assert difference.high - difference.low > 0.1


def test_a_paired_difference_is_that_of_a_published_example():
    """1 both, 1 and 7 apart, 12 neither (Fagerland, Lydersen and Laake 2014): [-0.507, -0.026]."""
    first = np.repeat([1.0, 1.0, 0.0, 0.0], [1, 1, 7, 12])
    second = np.repeat([1.0, 0.0, 1.0, 0.0], [1, 1, 7, 12])
    found = measures.share_difference(first, second)
    assert found.value == pytest.approx(-6 / 21)
    assert (found.low, found.high) == pytest.approx((-0.507, -0.026), abs=5e-4)
    mirrored = measures.share_difference(second, first)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("truth", [(0.97, 0.97, 0.0), (0.6, 0.5, 0.6), (0.9, 0.7, 0.3)])
def test_intervals_of_shares_hold_the_truth_for_nineteen_seeds_of_twenty(truth):
    """Marks of 29 pictures, of which a part is equal in both settings."""
    first, second, equal = truth
    random = np.random.default_rng(13)
    hits = np.zeros(2)
    for _ in range(400):
        common, alike = random.random(29), random.random(29) < equal
        mine = common < first
        other = np.where(alike, common, random.random(29)) < second
        single = measures.share(mine.astype(float))
        pair = measures.share_difference(mine.astype(float), other.astype(float))
        hits += single.low <= first <= single.high, pair.low <= first - second <= pair.high
    assert (hits / 400 >= 0.92).all(), hits


def test_equal_marks_narrow_the_interval():
    random = np.random.default_rng(4)
    mine = (random.random(60) < 0.6).astype(float)
    other = mine.copy()
    other[:3] = 1 - other[:3]
    shuffled = random.permutation(other)
    paired, unpaired = (measures.share_difference(mine, marks) for marks in (other, shuffled))
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


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

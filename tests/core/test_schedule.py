"""From sigma to timestep, against k-diffusion's formula written out with tensors."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext.core.schedule import Schedule, progress


def sdxl_alphas_cumprod():
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


def zero_snr_alphas_cumprod(last=4.8973451890853435e-08):
    root = sdxl_alphas_cumprod().double().sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    table = (root**2).float()
    table[-1] = last
    return table


ALPHAS = sdxl_alphas_cumprod()
SCHEDULE = Schedule(ALPHAS)


def interpolated(sigma, alphas):
    """Find the entries around log sigma by counting those at or below it, as k-diffusion does."""
    logs = ((1 - alphas.double()) / alphas.double()).sqrt().log()
    log_sigma = torch.tensor(sigma, dtype=torch.float64).log()
    low = int((logs <= log_sigma).sum().sub(1).clamp(0, len(logs) - 2))
    share = ((logs[low] - log_sigma) / (logs[low] - logs[low + 1])).clamp(0, 1)
    return float(low + share)


def nearest(sigma, alphas):
    logs = ((1 - alphas.double()) / alphas.double()).sqrt().log()
    return int((logs - math.log(sigma)).abs().argmin())


@given(st.floats(0.001, 100))
@settings(deadline=None)
def test_timestep_interpolates_in_log_sigma(sigma):
    assert SCHEDULE.timestep(sigma) == pytest.approx(interpolated(sigma, ALPHAS), abs=0.01)


@given(st.floats(0.001, 100))
@settings(deadline=None)
def test_quantized_timestep_is_the_nearest_entry(sigma):
    quantized = SCHEDULE.timestep(sigma, quantized=True)
    assert quantized.is_integer()
    if abs(SCHEDULE.timestep(sigma) % 1 - 0.5) > 0.01:
        assert quantized == nearest(sigma, ALPHAS)


@pytest.mark.parametrize("alphas", [ALPHAS, zero_snr_alphas_cumprod(), ALPHAS.half()])
def test_every_entry_of_the_table_finds_itself(alphas):
    schedule = Schedule(alphas)
    sigmas = ((1 - alphas.float()) / alphas.float()).sqrt().tolist()
    for timestep, sigma in enumerate(sigmas):
        found = schedule.timestep(sigma)
        if sigmas.count(sigma) == 1:
            assert found == pytest.approx(timestep, abs=0.01)
            assert schedule.timestep(sigma, quantized=True) == timestep


def test_known_steps_of_the_karras_schedule():
    known = {14.615: 999, 8.080: 894, 2.987: 672, 0.606: 214, 0.029: 0}
    for sigma, timestep in known.items():
        assert SCHEDULE.timestep(sigma, quantized=True) == timestep


@pytest.mark.parametrize(
    ("sigma", "expected"),
    [(0.0, 0), (-1.0, 0), (math.nan, 0), (1e-9, 0), (1e9, 999), (math.inf, 999)],
)
def test_beyond_the_table(sigma, expected):
    assert SCHEDULE.timestep(sigma) == expected
    assert SCHEDULE.timestep(sigma, quantized=True) == expected


def test_zero_snr_with_a_huge_last_sigma():
    schedule = Schedule(zero_snr_alphas_cumprod())
    assert schedule.timestep(4518.8) == pytest.approx(999, abs=0.01)
    assert 998 < schedule.timestep(3000.0) < 999
    assert schedule.timestep(14.6) == pytest.approx(
        interpolated(14.6, zero_snr_alphas_cumprod()), abs=0.01
    )


def test_zero_snr_with_an_infinite_last_sigma():
    schedule = Schedule(zero_snr_alphas_cumprod(last=0.0))
    assert schedule.timestep(math.inf) == 999
    assert schedule.timestep(1e6) == 998
    assert schedule.timestep(1e6, quantized=True) == 998
    assert 0 < schedule.timestep(1.0) < 998


def test_a_table_that_starts_without_noise():
    schedule = Schedule(torch.tensor([1.0, 0.9, 0.5]))
    assert schedule.timestep(0.0) == 0
    assert schedule.timestep(1e-6) == 1
    assert schedule.timestep(1.0) == 2


@pytest.mark.parametrize(
    "table", [[0.5], [[0.9, 0.5]], [0.5, 0.9], [1.5, 0.5], [0.5, -0.1], [0.9, math.nan]]
)
def test_tables_that_are_no_schedule_are_refused(table):
    with pytest.raises(ValueError, match="alphas_cumprod"):
        Schedule(torch.tensor(table))


def test_progress_runs_from_noise_to_picture():
    assert progress(999) == 0
    assert progress(0) == 1
    assert progress(499.5) == pytest.approx(0.5)

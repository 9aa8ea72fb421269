"""Fooocus's noise levels, against their definitions computed in double precision with numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fooocus_ext.core import noise_levels
from fooocus_ext.core.noise_levels import SCHEDULES

STEPS = st.integers(2, 150)


def exact_products():
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    return np.cumprod(1 - betas)


def exact_levels():
    products = exact_products()
    return np.sqrt((1 - products) / products)


@pytest.fixture(scope="module")
def table():
    """The table of a model whose host rounded the products of its betas to single precision."""
    return noise_levels.level_table(torch.from_numpy(exact_products()).float())


def test_the_table_is_rounded_once(table):
    assert torch.equal(table.levels, torch.from_numpy(exact_levels()).float())
    assert torch.equal(table.logs, torch.from_numpy(np.log(exact_levels())).float())


def test_a_table_from_rounded_products_would_differ():
    """Why the products are not taken from the webui."""
    rounded = torch.from_numpy(exact_products()).float()
    levels = ((1 - rounded) / rounded) ** 0.5
    assert not torch.equal(levels, torch.from_numpy(exact_levels()).float())


def test_products_that_a_webui_has_halved_are_the_usual_ones(table):
    """Webui 1.6 and 1.7 hold them in half precision after a change of the checkpoint."""
    halved = noise_levels.level_table(torch.from_numpy(exact_products()).half())
    assert torch.equal(halved.levels, table.levels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_model_with_another_schedule_keeps_its_own(dtype):
    products = torch.linspace(0.999, 0.0001, 1000).to(dtype)
    levels = noise_levels.level_table(products).levels
    expected = ((1 - products.double()) / products.double()).sqrt().float()
    assert torch.equal(levels, expected)


def by_definition(schedule, steps):
    levels, last = exact_levels(), 999
    logs = np.log(levels)
    if schedule == "karras":
        low, high = levels[0] ** (1 / 7), levels[-1] ** (1 / 7)
        return (high + np.linspace(0, 1, steps) * (low - high)) ** 7
    if schedule == "exponential":
        return np.exp(np.linspace(logs[-1], logs[0], steps))
    if schedule == "simple":
        stride = (
            1000 / steps
        )  # rounded before it is multiplied, as in Fooocus: 19 * (1000 / 38) is below 500
        return levels[[last - math.floor(i * stride) for i in range(steps)]]
    if schedule == "ddim_uniform":
        return levels[np.arange(1, 1000, 1000 // steps)[::-1]]
    times = np.linspace(last, 0, steps + 1)[:-1] if schedule == "sgm_uniform" else None
    times = np.linspace(last, 0, steps) if times is None else times
    return np.exp(np.interp(times, np.arange(1000), logs))


@given(st.sampled_from(SCHEDULES), STEPS)
@example("simple", 38)
@settings(deadline=None)
def test_schedules_follow_their_definitions(table, schedule, steps):
    found = noise_levels.levels_of(schedule, steps, table)
    assert (found.dtype, float(found[-1])) == (torch.float32, 0.0)
    np.testing.assert_allclose(found[:-1].numpy(), by_definition(schedule, steps), rtol=3e-4)


@given(st.integers(0, 999))
def test_each_timestep_has_its_level(table, timestep):
    level = table.level_of(torch.tensor(float(timestep)))
    assert float(level) == pytest.approx(exact_levels()[timestep], rel=1e-6)


def test_consistency_levels_are_every_twentieth(table):
    short = noise_levels.consistency_table(table)
    timesteps = np.arange(19, 1000, 20)
    assert torch.equal(short.levels, table.levels[timesteps])
    assert torch.equal(short.level_of(torch.from_numpy(timesteps)), short.logs.exp())
    found = noise_levels.levels_of("sgm_uniform", 5, short)[:-1]
    expected = np.interp(np.linspace(999, 19, 6)[:-1], timesteps, np.log(exact_levels()[timesteps]))
    np.testing.assert_allclose(found.numpy(), np.exp(expected), rtol=1e-5)


@given(STEPS)
@settings(deadline=None)
def test_a_schedule_with_levels_to_spare_ends_after_its_steps(table, steps):
    levels = noise_levels.levels_of("ddim_uniform", steps, table)
    found = noise_levels.first_steps(levels, steps)
    assert len(found) == min(len(levels), steps + 1)
    assert torch.equal(found[:-1], levels[: len(found) - 1])
    assert float(found[-1]) == 0.0


@given(st.sampled_from(SCHEDULES), st.integers(1, 1000))
@settings(deadline=None)
def test_which_schedules_begin_with_pure_noise(table, schedule, steps):
    first = float(noise_levels.levels_of(schedule, steps, table)[0])
    pure = noise_levels.begins_with_pure_noise(schedule, steps)
    assert noise_levels.is_pure_noise(first, table.largest) is pure


def test_only_every_fiftieth_level_does_not():
    assert not noise_levels.begins_with_pure_noise("ddim_uniform", 20)
    assert all(
        noise_levels.begins_with_pure_noise(schedule, 20)
        for schedule in SCHEDULES
        if schedule != "ddim_uniform"
    )

"""The "separate" method: two sampler runs that together make the steps of one."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fooocus_ext.host.machine
from fooocus_ext.core.refiner_switch import first_refiner_step
from fooocus_ext.errors import RequestError

LOADED_ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def versions(monkeypatch):
    """Return what the host's version offers; a test may change it."""
    offers = SimpleNamespace(has_sampling_hook=lambda: True)
    monkeypatch.setattr(fooocus_ext.host.machine, "versions", offers, raising=False)
    return offers


@pytest.fixture
def separate(load_host_module, versions):
    return load_host_module("refiner/split_sampler")


class Model:
    """Stands in for the host's CFG denoiser: remembers the noise level of each call."""

    def __init__(self, steps, order=1):
        self.steps, self.total_steps = steps, steps * order
        self.called_with = []

    def __call__(self, x, level):
        self.called_with.append(float(level))
        return 0.1 * x + level


class Sampler:
    """Stands in for the host's sampler and, like k-diffusion, for its sampling function."""

    def __init__(self, order=1):
        self.order = order
        self.runs = []
        self.func = self.euler

    def euler(self, model, x, sigmas, callback=None, extra_args=None):
        self.runs.append(("sigmas", len(sigmas), extra_args))
        for i in range(len(sigmas) - 1):
            slope = (x - model(x, sigmas[i])) / sigmas[i]
            if callback is not None:
                callback({"i": i, "x": x})
            target = x + slope * (sigmas[i + 1] - sigmas[i])
            if self.order == 2 and sigmas[i + 1] != 0:
                slope = (slope + (target - model(target, sigmas[i + 1])) / sigmas[i + 1]) / 2
                target = x + slope * (sigmas[i + 1] - sigmas[i])
            x = target
        return x

    def lcm(self, model, x, sigma_sched, callback=None, extra_args=None):
        return self.euler(model, x, sigma_sched, callback, extra_args)

    def ddim(self, model, x, timesteps, callback=None, extra_args=None):
        """Walks the timesteps from their end; the first only says where the last step goes."""
        self.runs.append(("timesteps", len(timesteps), extra_args))
        for i in range(len(timesteps) - 1):
            index = len(timesteps) - 1 - i
            x = x - (timesteps[index] - timesteps[index - 1]) * model(x, timesteps[index]) / 1000
            if callback is not None:
                callback({"i": i, "x": x})
        return x


def schedules(steps):
    falling = torch.linspace(14.0, 0.5, steps, dtype=torch.float64)
    rising = torch.linspace(1, 999, steps + 1).long()
    zero = torch.zeros(1, dtype=torch.float64)
    return {"sigmas": torch.cat([falling, zero]), "timesteps": rising}


def sample(sampler, model, name, schedule):
    steps_seen = []
    x = sampler.func(
        model,
        torch.ones(1, dtype=torch.float64),
        extra_args={"cond": 1},
        callback=lambda info: steps_seen.append(info["i"]),
        **{name: schedule},
    )
    return x, steps_seen


KINDS = [
    ("euler", "sigmas", "sigmas", 1),
    ("euler", "sigmas", "sigmas", 2),
    ("lcm", "sigma_sched", "sigmas", 1),
    ("ddim", "timesteps", "timesteps", 1),
]


@pytest.mark.parametrize(("function", "name", "schedule", "order"), KINDS)
@given(steps=st.integers(1, 60), ratio=st.floats(0.0, 1.0))
@LOADED_ONCE
def test_two_runs_make_exactly_the_steps_of_one(
    separate, function, name, schedule, order, steps, ratio
):
    whole, split = Sampler(order), Sampler(order)
    whole.func, split.func = getattr(whole, function), getattr(split, function)
    one, two = Model(steps, order), Model(steps, order)
    expected = sample(whole, one, name, schedules(steps)[schedule])
    separate.split_sampler(split, ratio, SimpleNamespace(sampling=ExitStack()))
    got = sample(split, two, name, schedules(steps)[schedule])
    assert two.called_with == one.called_with
    assert got[1] == expected[1] == list(range(steps))
    assert torch.equal(got[0], expected[0])


@pytest.mark.parametrize(("function", "name", "schedule", "order"), KINDS)
@pytest.mark.parametrize(("steps", "ratio"), [(20, 0.8), (10, 0.55), (7, 0.5), (2, 0.3)])
def test_the_second_run_begins_where_the_refiner_takes_over(
    separate, function, name, schedule, order, steps, ratio
):
    sampler, model = Sampler(order), Model(steps, order)
    sampler.func = getattr(sampler, function)
    separate.split_sampler(sampler, ratio, SimpleNamespace(sampling=ExitStack()))
    sample(sampler, model, name, schedules(steps)[schedule])
    switch = first_refiner_step(ratio, total_calls=steps * order, steps=steps)
    assert [length - 1 for _, length, _ in sampler.runs] == [switch, steps - switch]
    assert [arguments for *_, arguments in sampler.runs] == [{"cond": 1}] * 2


@pytest.mark.parametrize(("steps", "ratio"), [(20, 1.0), (20, 0.0), (1, 0.5), (4, 0.9)])
def test_there_is_one_run_where_one_model_makes_every_step(separate, steps, ratio):
    sampler = Sampler()
    separate.split_sampler(sampler, ratio, SimpleNamespace(sampling=ExitStack()))
    sample(sampler, Model(steps), "sigmas", schedules(steps)["sigmas"])
    assert len(sampler.runs) == 1


def test_the_sampler_is_whole_again_when_sampling_ends(separate):
    sampler, sampling = Sampler(), ExitStack()
    separate.split_sampler(sampler, 0.5, SimpleNamespace(sampling=sampling))
    assert sampler.func != sampler.euler
    sampling.close()
    assert sampler.func == sampler.euler


def test_the_split_function_shows_the_parameters_that_the_host_looks_for(separate):
    import inspect

    sampler = Sampler()
    before = list(inspect.signature(sampler.func).parameters)
    separate.split_sampler(sampler, 0.5, SimpleNamespace(sampling=ExitStack()))
    assert list(inspect.signature(sampler.func).parameters) == before


def test_no_callback_is_no_problem(separate):
    sampler = Sampler()
    separate.split_sampler(sampler, 0.5, SimpleNamespace(sampling=ExitStack()))
    sampler.func(Model(4), torch.ones(1), sigmas=schedules(4)["sigmas"])
    assert len(sampler.runs) == 2


@pytest.mark.parametrize("name", ["UniPC", "DPM fast", "DPM adaptive", "Restart"])
def test_samplers_that_plan_their_own_steps_are_refused(separate, name):
    with pytest.raises(RequestError, match=f'cannot split the sampler "{name}"'):
        separate.check_available({name})


def test_other_samplers_are_not(separate):
    assert separate.check_available({"DPM++ 2M"}) is None


def test_a_host_without_the_hook_is_told_so(separate, versions):
    versions.has_sampling_hook = lambda: False
    with pytest.raises(RequestError, match=r"1\.10 or newer"):
        separate.check_available({"Euler"})

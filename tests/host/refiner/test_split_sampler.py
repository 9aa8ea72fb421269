"""The "separate" and "vae" methods: two sampler runs that together make the steps of one."""

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
from tests.strict_device import StrictDevice, is_on_device

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


def split(module, sampler, ratio, sampling=None, renoise=None):
    """Split a sampler at the webui's step; return what its runs were told at their beginnings."""
    told = []

    def switch(model):
        return first_refiner_step(ratio, total_calls=model.total_steps, steps=model.steps)

    method = "separate" if renoise is None else "vae"
    runs = module.Runs(method, switch, told.append, renoise)
    module.split_sampler(sampler, runs, SimpleNamespace(sampling=sampling or ExitStack()))
    return told


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
    whole, parted = Sampler(order), Sampler(order)
    whole.func, parted.func = getattr(whole, function), getattr(parted, function)
    one, two = Model(steps, order), Model(steps, order)
    expected = sample(whole, one, name, schedules(steps)[schedule])
    split(separate, parted, ratio)
    got = sample(parted, two, name, schedules(steps)[schedule])
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
    told = split(separate, sampler, ratio)
    sample(sampler, model, name, schedules(steps)[schedule])
    switch = first_refiner_step(ratio, total_calls=steps * order, steps=steps)
    assert [length - 1 for _, length, _ in sampler.runs] == [switch, steps - switch]
    assert [arguments for *_, arguments in sampler.runs] == [{"cond": 1}] * 2
    assert told == [False, True]


@pytest.mark.parametrize(("steps", "ratio"), [(20, 1.0), (20, 0.0), (1, 0.5), (4, 0.9)])
def test_there_is_one_run_where_one_model_makes_every_step(separate, steps, ratio):
    sampler = Sampler()
    told = split(separate, sampler, ratio)
    sample(sampler, Model(steps), "sigmas", schedules(steps)["sigmas"])
    assert len(sampler.runs) == 1
    assert told == [ratio == 0.0], "the refiner makes every step, or none"


def test_the_sampler_is_whole_again_when_sampling_ends(separate):
    sampler, sampling = Sampler(), ExitStack()
    split(separate, sampler, 0.5, sampling)
    assert sampler.func != sampler.euler
    sampling.close()
    assert sampler.func == sampler.euler


def test_the_split_function_shows_the_parameters_that_the_host_looks_for(separate):
    import inspect

    sampler = Sampler()
    before = list(inspect.signature(sampler.func).parameters)
    split(separate, sampler, 0.5)
    assert list(inspect.signature(sampler.func).parameters) == before


def test_no_callback_is_no_problem(separate):
    sampler = Sampler()
    split(separate, sampler, 0.5)
    sampler.func(Model(4), torch.ones(1), sigmas=schedules(4)["sigmas"])
    assert len(sampler.runs) == 2


@pytest.mark.parametrize("name", ["UniPC", "DPM fast", "DPM adaptive", "Restart"])
def test_samplers_that_plan_their_own_steps_are_refused(separate, name):
    with pytest.raises(RequestError, match=f'cannot split the sampler "{name}"'):
        separate.check_available("separate", {name}, as_fooocus=False)


def test_other_samplers_are_not(separate):
    assert separate.check_available("separate", {"DPM++ 2M"}, as_fooocus=False) is None
    assert separate.check_available("vae", {"Restart", "UniPC"}, as_fooocus=True) is None


def test_fresh_noise_begins_the_second_run(separate):
    sampler, model, given = Sampler(), Model(10), []

    def renoise(clean, seen, level):
        given.append((clean, seen, level))
        return clean + 100

    told = split(separate, sampler, 0.6, renoise=renoise)
    levels = schedules(10)["sigmas"]
    sample(sampler, model, "sigmas", levels)
    expected = [*levels[:6], *(levels[6:10] * 1.4)]
    assert model.called_with == pytest.approx([float(level) for level in expected])
    assert told == [False, True]
    ((clean, seen, level),) = given
    reference, first_run = Sampler(), Model(10)
    whole = torch.cat([levels[:6], torch.zeros(1, dtype=torch.float64)])
    assert torch.equal(clean, sample(reference, first_run, "sigmas", whole)[0])
    # Euler's last step, to 0, takes the prediction; before it the latent was that plus its noise.
    before = Sampler()
    x = sample(before, Model(10), "sigmas", levels[:6])[0]
    assert float(seen) == pytest.approx(float((x - clean) / levels[5]))
    assert float(level) == pytest.approx(1.4 * float(levels[6]))


def test_fresh_noise_needs_noise_levels(separate):
    sampler = Sampler()
    sampler.func = sampler.ddim
    split(separate, sampler, 0.5, renoise=lambda *given: given[0])
    with pytest.raises(RequestError, match='"vae" cannot split the sampler "ddim"'):
        sample(sampler, Model(8), "timesteps", schedules(8)["timesteps"])


def test_the_last_calls_noise_is_read_without_waiting(separate):
    with StrictDevice().active() as device:
        x, level = torch.ones(2, 4, 3, 3, device="cuda"), torch.tensor([0.5, 0.25], device="cuda")
        watched = separate._Watched(lambda x, level: x / 2)
        watched(x, level)
        noise = watched.noise()
        assert is_on_device(noise)
        assert device.synchronisations == []
        assert noise[:, 0, 0, 0].tolist() == [1.0, 2.0]


class Noise:
    """Stands in for the host's noise of a batch, which comes from the CPU."""

    def __init__(self, shape, seeds, **rest):
        self.shape, self.seeds, self.is_first = shape, seeds, True
        vars(self).update(rest)

    def next(self):
        self.is_first = False
        drawn = [
            torch.randn(self.shape, generator=torch.Generator().manual_seed(seed))
            for seed in self.seeds
        ]
        return torch.stack(drawn)


def noise_of_two():
    nothing = dict.fromkeys(("subseeds", "subseed_strength"))
    resized = dict.fromkeys(("seed_resize_from_h", "seed_resize_from_w"), 0)
    return Noise((4, 3, 3), [5, 9], **nothing, **resized)


@pytest.mark.parametrize("largest", [14.6, 1.4])
def test_fresh_noise_comes_to_the_latents_without_waiting(load_host_module, largest):
    module = load_host_module("refiner/fresh_noise")
    p = SimpleNamespace(rng=noise_of_two())
    with StrictDevice().active() as device:
        clean, seen = torch.randn(2, 2, 4, 3, 3, device="cuda").half()
        found = module.renoised(p, clean, seen, torch.tensor(1.4), largest=largest)
        assert is_on_device(found)
        assert found.dtype == torch.float16
        assert device.synchronisations == []


@pytest.mark.parametrize("largest", [14.6, 1.4])
def test_fresh_noise_is_that_of_the_next_seed(load_host_module, largest):
    module = load_host_module("refiner/fresh_noise")
    noise = noise_of_two()
    noise.next()
    clean, seen = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    level = torch.tensor(1.4)
    p = SimpleNamespace(rng=noise)
    found = module.renoised(p, clean, seen, level, largest=largest)
    fresh = Noise((4, 3, 3), [6, 10]).next()
    deviation = (1 + 1.4**2) ** 0.5 if largest == 1.4 else 1.4
    unit = (found - clean) / deviation
    torch.testing.assert_close(unit.mean(1), seen.mean(1))
    torch.testing.assert_close(
        unit - unit.mean(1, keepdim=True), fresh - fresh.mean(1, keepdim=True)
    )
    assert p.rng is noise, "samplers have hold of it"
    assert noise.seeds == [6, 10]


def test_a_host_without_the_hook_is_told_so(separate, versions):
    versions.has_sampling_hook = lambda: False
    with pytest.raises(RequestError, match=r"1\.10 or newer"):
        separate.check_available("separate", {"Euler"}, as_fooocus=True)

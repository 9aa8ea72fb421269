"""Schedules and samplers against formulas: Gaussian data have an exact denoiser and an exact solution."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

DATA_DEVIATION = 0.7


@pytest.fixture(scope="module")
def sampling():
    import embedded_webui

    embedded_webui.put_webui_on_path()
    import k_diffusion.sampling as module

    module.torch = torch  # a generation of another test may have left its own noise source here
    return module


class GaussianDenoiser:
    """E[x0 | x] for x0 ~ N(0, DATA_DEVIATION^2); counts its calls."""

    def __init__(self):
        self.calls = []

    def __call__(self, x, sigma):
        self.calls.append(float(sigma[0]))
        variance = DATA_DEVIATION**2
        return x * (variance / (variance + sigma.double() ** 2))[:, None, None, None]


def exact(x, sigma_from, sigma_to):
    """The probability flow's solution."""
    variance = DATA_DEVIATION**2
    return x * math.sqrt((variance + sigma_to**2) / (variance + sigma_from**2))


def start(sigma_max, batch=1):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch, 4, 8, 8, generator=generator, dtype=torch.float64) * sigma_max


def test_karras_schedule_is_equation_5(sampling):
    found = sampling.get_sigmas_karras(5, 0.1, 10.0)
    low, high = 0.1 ** (1 / 7), 10.0 ** (1 / 7)
    expected = [(high + i / 4 * (low - high)) ** 7 for i in range(5)] + [0.0]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_exponential_schedule_has_constant_ratios(sampling):
    found = sampling.get_sigmas_exponential(6, 0.1, 10.0).tolist()
    ratios = [b / a for a, b in itertools.pairwise(found[:-1])]
    assert ratios == pytest.approx([ratios[0]] * 5, rel=1e-5)
    assert (found[0], found[-1]) == (pytest.approx(10.0), 0.0)


@pytest.mark.parametrize(
    ("name", "coarse_error", "order"),
    [
        ("sample_euler", 0.1, 1),
        ("sample_heun", 0.02, 2),
        ("sample_dpmpp_2m", 0.05, 1.5),
        ("sample_dpm_2", 0.02, 1.5),
        ("sample_lms", 0.05, 1.5),
    ],
)
def test_a_deterministic_sampler_converges_with_its_order(sampling, name, coarse_error, order):
    errors = []
    for n in (20, 80):
        sigmas = sampling.get_sigmas_karras(n, 0.01, 15.0).double()
        x = start(15.0)
        found = getattr(sampling, name)(GaussianDenoiser(), x, sigmas, disable=True)
        errors.append(
            float((found - exact(x, 15.0, 0.0)).abs().max() / exact(x, 15.0, 0.0).abs().max())
        )
    assert errors[0] < coarse_error
    assert errors[1] < errors[0] / 4 ** (order * 0.8)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("sample_euler_ancestral", 400),
        ("sample_dpmpp_2m_sde", 60),
        ("sample_dpmpp_3m_sde", 60),
        ("sample_dpmpp_sde", 60),
        ("sample_dpm_2_ancestral", 200),
        ("sample_dpmpp_2s_ancestral", 200),
    ],
)
def test_a_stochastic_sampler_ends_with_the_deviation_of_the_data(sampling, name, steps):
    torch.manual_seed(0)
    sigmas = sampling.get_sigmas_karras(steps, 0.01, 15.0).double()
    x = start(15.0, batch=16)
    found = getattr(sampling, name)(GaussianDenoiser(), x, sigmas, disable=True)
    assert float(found.std()) == pytest.approx(DATA_DEVIATION, rel=0.06)
    correlation = torch.corrcoef(torch.stack([found.flatten(), x.flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.3, "noise must have replaced the start"


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("sample_euler", 5),
        ("sample_heun", 9),
        ("sample_dpmpp_2m", 5),
        ("sample_dpmpp_sde", 9),
        ("sample_dpm_2", 9),
        ("sample_dpm_2_ancestral", 9),
        ("sample_dpmpp_2s_ancestral", 9),
        ("sample_lms", 5),
        ("sample_dpmpp_3m_sde", 5),
    ],
)
def test_number_of_model_calls(sampling, name, calls):
    model, told = GaussianDenoiser(), []
    sigmas = sampling.get_sigmas_karras(5, 0.1, 10.0).double()
    getattr(sampling, name)(model, start(10.0), sigmas, callback=told.append, disable=True)
    assert len(model.calls) == calls
    assert [step["i"] for step in told] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("name", "count"), [("fast", 12), ("fast", 20), ("adaptive", None)])
def test_dpm_solver_reaches_the_exact_solution(sampling, name, count):
    model, x = GaussianDenoiser(), start(15.0)
    function = getattr(sampling, f"sample_dpm_{name}")
    found = function(model, x, 0.01, 15.0, *([count] if count else []), disable=True)
    expected = exact(x, 15.0, 0.01)
    assert float((found - expected).abs().max() / expected.abs().max()) < 0.05
    if count is not None:
        assert len(model.calls) == count


@pytest.mark.parametrize(("steps", "restarts"), [(10, 0), (20, 1), (40, 2)])
def test_restart_raises_the_noise_again(sampling, steps, restarts):
    from modules.sd_samplers_extra import restart_sampler

    model, told = GaussianDenoiser(), []
    sigmas = sampling.get_sigmas_karras(steps, 0.03, 15.0).double()
    restart_sampler(model, start(15.0), sigmas, callback=told.append, disable=True)
    levels = [float(step["sigma_hat"]) for step in told]
    assert sum(b > a for a, b in itertools.pairwise(levels)) == restarts
    assert len(told) == steps
    assert len(model.calls) == 2 * steps - 1


def test_brownian_noise_has_unit_variance_and_depends_on_each_seed_alone(sampling):
    x = torch.zeros(3, 4, 32, 32)
    both = sampling.BrownianTreeNoiseSampler(x, 0.1, 10.0, seed=[1, 2, 3])(5.0, 2.0)
    alone = sampling.BrownianTreeNoiseSampler(x[:1], 0.1, 10.0, seed=[2])(5.0, 2.0)
    assert float(both.std()) == pytest.approx(1.0, abs=0.03)
    assert torch.equal(both[1:2], alone)


def test_timesteps_and_sigmas_are_inverse(sampling):
    from k_diffusion.external import CompVisDenoiser

    class Model:
        alphas_cumprod = torch.linspace(0.999, 0.01, 1000)

    denoiser = CompVisDenoiser(Model())
    t = torch.tensor([0.0, 10.25, 500.5, 998.75])
    assert denoiser.sigma_to_t(denoiser.t_to_sigma(t)).tolist() == pytest.approx(
        t.tolist(), abs=1e-2
    )
    a = Model.alphas_cumprod[300]
    assert float(denoiser.sigmas[300]) == pytest.approx(math.sqrt((1 - a) / a), rel=1e-5)


@pytest.mark.parametrize(
    ("label", "indexes"),
    [
        ("Simple", [999 - 250 * i for i in range(4)]),
        ("DDIM", [751, 501, 251, 1]),
        ("Normal", [999, 666, 333, 0]),
        ("SGM Uniform", [999, 749.25, 499.5, 249.75]),
    ],
)
def test_schedule_types_pick_from_the_models_table(sampling, label, indexes):
    from k_diffusion.external import CompVisDenoiser
    from modules import sd_schedulers

    class Model:
        alphas_cumprod = torch.linspace(0.999, 0.01, 1000)

    wrap = CompVisDenoiser(Model())
    ends = {"sigma_min": wrap.sigmas[0].item(), "sigma_max": wrap.sigmas[-1].item()}
    scheduler = sd_schedulers.schedulers_map[label]
    found = scheduler.function(n=4, **ends, inner_model=wrap, device="cpu")
    expected = [*wrap.t_to_sigma(torch.tensor(indexes, dtype=torch.float32)).tolist(), 0.0]
    assert found.tolist() == pytest.approx(expected, rel=2e-3)

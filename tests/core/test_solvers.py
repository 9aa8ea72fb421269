"""Samplers of our own, on Gaussian data, whose denoiser and solution are known."""

from __future__ import annotations

import math

import pytest
import torch

from fooocus_ext.core import solvers, unipc

DEVIATION = 0.7


class Denoiser:
    """E[x0 | x] for x0 ~ N(0, DEVIATION^2); remembers the levels that it was called with."""

    def __init__(self):
        self.levels = []

    def __call__(self, x, level, *, extra):
        assert extra == "given"
        self.levels.append(float(level[0]))
        variance = DEVIATION**2
        return x * (variance / (variance + level**2))[:, None, None, None]


def karras(steps):
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    levels = (14.6 ** (1 / 7) + ramp * (0.03 ** (1 / 7) - 14.6 ** (1 / 7))) ** 7
    return torch.cat([levels, levels.new_zeros(1)])


def noise(rows=2):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(rows, 4, 8, 8, generator=generator, dtype=torch.float64) * 14.6


def solved(sigmas, variant="bh1"):
    model, told = Denoiser(), []
    found = unipc.sample(
        model,
        noise(),
        sigmas,
        variant=variant,
        extra_args={"extra": "given"},
        callback=lambda info: told.append(info["i"]),
    )
    return found, model.levels, told


@pytest.mark.parametrize("variant", ["bh1", "bh2"])
def test_unipc_converges_with_more_than_second_order(variant):
    """Until the last step, to 0, whose own error of first order is 0.0009 here, is all that is left."""
    errors = []
    for steps in (10, 20):
        found = solved(karras(steps), variant)[0]
        exact = noise() * DEVIATION / math.sqrt(DEVIATION**2 + 14.6**2)
        errors.append(float((found - exact).abs().max() / exact.abs().max()))
    assert errors[0] < 0.05
    assert errors[1] - 0.0009 < errors[0] / 2**4


def test_unipc_asks_the_model_once_for_each_level():
    sigmas = karras(8)
    _, levels, told = solved(sigmas)
    assert levels == pytest.approx(sigmas[:-1].tolist())
    assert told == list(range(8))


def test_unipc_can_stop_before_the_end():
    """The first of two runs ends in noise, at the level at which the second begins."""
    found, levels, _ = solved(karras(20)[:11])
    end = float(karras(20)[10])
    exact = noise() * math.sqrt((DEVIATION**2 + end**2) / (DEVIATION**2 + 14.6**2))
    assert float((found - exact).abs().max() / exact.abs().max()) < 0.01
    assert len(levels) == 10


def test_the_variants_differ():
    assert not torch.equal(solved(karras(6))[0], solved(karras(6), "bh2")[0])


def test_latent_consistency_is_prediction_and_noise_in_turns():
    sigmas = karras(3)
    drawn = [torch.full((2, 4, 8, 8), value, dtype=torch.float64) for value in (1.0, -2.0)]
    model, told, waiting = Denoiser(), [], list(drawn)
    found = solvers.latent_consistency(
        model,
        noise(),
        sigmas,
        draw=lambda: waiting.pop(0),
        extra_args={"extra": "given"},
        callback=lambda info: told.append((info["i"], float(info["sigma"]))),
    )
    x = noise()
    for step in range(3):
        share = DEVIATION**2 / (DEVIATION**2 + sigmas[step] ** 2)
        x = x * share + (sigmas[step + 1] * drawn[step] if step < 2 else 0)
    torch.testing.assert_close(found, x)
    assert waiting == []
    assert told == [(step, float(sigmas[step])) for step in range(3)]

"""Sharpness and adaptive CFG against the same formulas written out in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext.core import guidance
from fooocus_ext.core.guidance import (
    effective_cfg,
    is_unguided,
    predict_x0,
    rescale_cond,
    sharpen,
    sharpen_eps,
)


def noise(*shape, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * scale


def filtered(eps, x0):
    """The filter in float64 with every pair of pixels weighed at once: a large table, small images."""
    _, _, height, width = eps.shape
    deviation, mean = torch.std_mean(x0, dim=(1, 2, 3), keepdim=True)
    guide = (x0 - mean) / (deviation + 1e-5)
    offsets = torch.arange(-6, 7)

    def mirrored(size):
        index = (torch.arange(size)[:, None] + offsets).abs()
        return torch.where(index >= size, 2 * (size - 1) - index, index)

    rows, columns = mirrored(height)[:, None, :, None], mirrored(width)[None, :, None, :]
    distance = (guide[:, :, rows, columns] - guide[..., None, None]).abs().sum(1, keepdim=True)
    squared = offsets[:, None] ** 2 + offsets**2
    weight = torch.exp(-squared / 18 - distance**2 / 18)
    return (eps[:, :, rows, columns] * weight).sum((-1, -2)) / weight.sum((-1, -2))


def sharpened_by_definition(x, x0, sigma, alpha):
    x, x0 = x.double(), x0.double()
    sigma, alpha = sigma.double().view(-1, 1, 1, 1), torch.as_tensor(alpha).view(-1, 1, 1, 1)
    eps = (x - x0) / sigma
    return x - sigma * (alpha * filtered(eps, x0) + (1 - alpha) * eps)


@pytest.mark.parametrize("sigma", [[14.6, 14.6], [3.0, 0.4], [0.03, 0.03]])
@pytest.mark.parametrize(("sharpness", "progress"), [(2.0, 0.5), (30.0, 1.0), (30.0, 0.01)])
def test_sharpen_equals_its_definition(sigma, sharpness, progress):
    sigma = torch.tensor(sigma)
    x0 = noise(2, 4, 20, 13, scale=0.8) + 0.3
    x = x0 + sigma.view(-1, 1, 1, 1) * noise(2, 4, 20, 13, seed=1)
    before = x0.clone()
    out = sharpen(x, x0, sharpness=sharpness, progress=progress)
    expected = sharpened_by_definition(x, x0, sigma, 0.001 * sharpness * progress)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=0)
    assert (out - x0).abs().max() > 1e-6
    assert torch.equal(x0, before)


def test_sharpen_eps_equals_its_definition():
    eps, x0 = noise(2, 4, 16, 24), noise(2, 4, 16, 24, seed=1, scale=2)
    out = sharpen_eps(eps, x0, sharpness=30.0, progress=0.75)
    alpha = 0.001 * 30 * 0.75
    expected = alpha * filtered(eps.double(), x0.double()) + (1 - alpha) * eps.double()
    torch.testing.assert_close(out.double(), expected, atol=1e-6, rtol=0)


def test_both_parameterisations_agree():
    eps, x0, sigma = noise(1, 4, 16, 16), noise(1, 4, 16, 16, seed=1), 2.5
    x = x0 + sigma * eps
    in_eps = x - sigma * sharpen_eps(eps, x0, sharpness=30.0, progress=0.9)
    torch.testing.assert_close(
        sharpen(x, x0, sharpness=30.0, progress=0.9), in_eps, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(("sharpness", "progress"), [(0.0, 0.7), (2.0, 0.0)])
def test_alpha_zero_returns_the_input_and_runs_no_filter(monkeypatch, sharpness, progress):
    monkeypatch.setattr(guidance, "adaptive_filter", lambda *_: pytest.fail("the filter ran"))
    x, x0 = noise(2, 4, 16, 16), noise(2, 4, 16, 16, seed=1)
    assert sharpen(x, x0, sharpness=sharpness, progress=progress) is x0
    assert sharpen_eps(x, x0, sharpness=sharpness, progress=progress) is x


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype):
    x, x0 = noise(1, 4, 16, 16, scale=3), noise(1, 4, 16, 16, seed=1).to(dtype)
    out = sharpen(x, x0, sharpness=30.0, progress=1.0)
    assert out.dtype == dtype
    assert torch.equal(out, sharpen(x, x0.float(), sharpness=30.0, progress=1.0).to(dtype))
    assert sharpen_eps(x0, x, sharpness=30.0, progress=1.0).dtype == dtype


def test_shapes_that_do_not_fit_are_refused():
    x, x0 = noise(2, 4, 8, 8), noise(1, 4, 8, 8)
    with pytest.raises(ValueError, match="differ in shape"):
        sharpen(x, x0, sharpness=2.0, progress=1.0)
    with pytest.raises(ValueError, match="differ in shape"):
        sharpen_eps(x, x0, sharpness=2.0, progress=1.0)


def test_predict_x0_undoes_the_forward_process():
    x0, eps = noise(3, 4, 8, 8), noise(3, 4, 8, 8, seed=1)
    alpha = torch.tensor([0.99, 0.5, 0.0047], dtype=torch.float64)
    scale = alpha.view(-1, 1, 1, 1)
    x = (scale.sqrt() * x0 + (1 - scale).sqrt() * eps).float()
    out = predict_x0(x, eps, alpha)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, x0, atol=1e-4, rtol=0)


@given(
    cfg=st.floats(1, 30),
    mimic=st.floats(1, 30),
    progress=st.floats(0, 1),
    cond=st.floats(-4, 4),
    uncond=st.floats(-4, 4),
)
@settings(deadline=None)
def test_effective_cfg_mixes_the_two_guided_predictions(cfg, mimic, progress, cond, uncond):
    def guided(scale):
        return uncond + scale * (cond - uncond)

    late = guided(cfg)
    early = guided(mimic) if cfg > mimic else late
    expected = late * progress + early * (1 - progress)
    assert guided(effective_cfg(cfg, mimic, progress)) == pytest.approx(expected, abs=1e-9)


@given(cfg=st.floats(1, 30), mimic=st.floats(1, 30), progress=st.floats(0, 1))
@settings(deadline=None)
def test_rescaled_cond_gives_the_host_the_effective_scale(cfg, mimic, progress):
    cond, uncond = noise(2, 4, 3, 3), noise(2, 4, 3, 3, seed=1)
    effective = effective_cfg(cfg, mimic, progress)
    by_host = uncond + cfg * (rescale_cond(cond, uncond, effective / cfg) - uncond)
    torch.testing.assert_close(by_host, uncond + effective * (cond - uncond), atol=2e-4, rtol=1e-5)


def test_rescale_by_one_keeps_the_bytes():
    cond = noise(1, 4, 3, 3) * 1e8
    assert rescale_cond(cond, noise(1, 4, 3, 3, seed=1), 1.0) is cond


@pytest.mark.parametrize(
    ("cfg", "expected"),
    [(1.0, True), (1.0 + 1e-12, True), (1.001, False), (0.0, False), (7, False)],
)
def test_unguided_means_a_scale_of_one(cfg, expected):
    assert is_unguided(cfg) is expected

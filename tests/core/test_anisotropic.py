"""The bilateral filter against a pixel-by-pixel evaluation of its definition in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext.core import anisotropic
from fooocus_ext.core.anisotropic import joint_bilateral, standardise

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def by_definition(x, guidance, radius=6, sigma_space=3.0, sigma_color=3.0):
    """Evaluate the filter window by window; numpy's reflection is repeated where sides are short."""
    x, guidance = x.detach().cpu().double().numpy(), guidance.detach().cpu().double().numpy()
    border = ((0, 0), (0, 0), (radius, radius), (radius, radius))
    padded_x, padded_guidance = np.pad(x, border, "reflect"), np.pad(guidance, border, "reflect")
    offsets = np.arange(-radius, radius + 1)
    space = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma_space**2))
    out = np.empty_like(x)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            window = np.s_[:, :, row : row + 2 * radius + 1, column : column + 2 * radius + 1]
            difference = padded_guidance[window] - guidance[:, :, row, column][:, :, None, None]
            distance = np.abs(difference).sum(1)
            weight = space * np.exp(-(distance**2) / (2 * sigma_color**2))
            total = (padded_x[window] * weight[:, None]).sum((2, 3))
            out[:, :, row, column] = total / weight.sum((1, 2))[:, None]
    return torch.from_numpy(out)


def noise(*shape, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * scale


@pytest.fixture(params=["pairs", "rows"])
def path(request, monkeypatch):
    """Run a test through both ways of summing, on whatever device there is."""
    chosen = getattr(anisotropic, f"_sums_by_{request.param}")
    monkeypatch.setattr(anisotropic, "_sums_by_pairs", chosen)
    monkeypatch.setattr(anisotropic, "_sums_by_rows", chosen)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", [(1, 4, 40, 40), (3, 4, 17, 32), (2, 1, 33, 9), (1, 16, 7, 7)])
def test_filter_equals_its_definition(path, shape, device):
    x, guidance = noise(*shape, scale=3), noise(*shape, seed=1)
    out = joint_bilateral(x.to(device), guidance.to(device))
    assert out.device.type == device
    torch.testing.assert_close(out.cpu().double(), by_definition(x, guidance), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "parameters",
    [{"radius": 0}, {"radius": 1}, {"sigma_space": 0.7}, {"sigma_color": 0.3, "radius": 4}],
)
def test_other_parameters(path, parameters):
    x, guidance = noise(2, 3, 12, 15), noise(2, 5, 12, 15, seed=1)
    expected = by_definition(x, guidance, **parameters)
    torch.testing.assert_close(
        joint_bilateral(x, guidance, **parameters).double(), expected, atol=1e-5, rtol=0
    )


@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 5),
    height=st.integers(1, 16),
    width=st.integers(1, 16),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_any_shape_and_contrast(batch, channels, height, width, scale, seed):
    x, guidance = (
        noise(batch, channels, height, width, seed=seed),
        noise(batch, 4, height, width, seed=seed + 1, scale=scale),
    )
    out = joint_bilateral(x, guidance)
    assert out.shape == x.shape
    torch.testing.assert_close(out.double(), by_definition(x, guidance), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 30), (2, 3), (6, 6), (6, 40), (3, 7)])
def test_sides_too_short_for_one_reflection(path, height, width):
    x, guidance = noise(2, 4, height, width), noise(2, 4, height, width, seed=1)
    torch.testing.assert_close(
        joint_bilateral(x, guidance).double(), by_definition(x, guidance), atol=1e-5, rtol=0
    )


def test_double_precision_is_kept(path):
    x, guidance = noise(1, 4, 14, 10).double(), noise(1, 4, 14, 10, seed=1).double()
    out = joint_bilateral(x, guidance)
    torch.testing.assert_close(out, by_definition(x, guidance), atol=1e-13, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_only_the_result(path, dtype):
    x, guidance = noise(2, 4, 20, 20, scale=5).to(dtype), noise(2, 4, 20, 20, seed=1).to(dtype)
    out = joint_bilateral(x, guidance)
    assert out.dtype == dtype
    assert torch.equal(out, joint_bilateral(x.float(), guidance.float()).to(dtype))


def test_non_contiguous_inputs(path):
    x = noise(2, 20, 24, 4).permute(0, 3, 1, 2)[..., ::2]
    guidance = noise(1, 4, 12, 20, seed=1).transpose(2, 3).expand(2, -1, -1, -1)
    before = x.clone(), guidance.clone()
    out = joint_bilateral(x, guidance)
    assert out.is_contiguous()
    assert torch.equal(out, joint_bilateral(x.contiguous(), guidance.contiguous()))
    assert torch.equal(x, before[0])
    assert torch.equal(guidance, before[1])


def test_samples_do_not_influence_each_other(path):
    x, guidance = noise(3, 4, 15, 18), noise(3, 4, 15, 18, seed=1)
    alone = joint_bilateral(x[1:2], guidance[1:2])
    x[0], guidance[2] = math.nan, math.inf
    together = joint_bilateral(x, guidance)
    torch.testing.assert_close(together[1:2], alone, atol=1e-6, rtol=0)
    assert together[0].isnan().all()


@pytest.mark.parametrize("block", [100, 333, 1000])
def test_any_blocks_sum_to_the_same_and_cores_do_not_matter(monkeypatch, block):
    x, guidance = noise(2, 4, 24, 17), noise(2, 4, 24, 17, seed=1)
    monkeypatch.setattr(anisotropic, "BLOCK", block)
    before = torch.get_num_threads()
    outs = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        outs.append(joint_bilateral(x, guidance))
    torch.set_num_threads(before)
    torch.testing.assert_close(outs[0].double(), by_definition(x, guidance), atol=1e-5, rtol=0)
    assert torch.equal(outs[0], outs[1])
    assert torch.equal(outs[0], outs[2])


def test_constant_input_is_left_alone_and_result_is_linear_in_x():
    guidance = noise(1, 4, 20, 20)
    flat = torch.full((1, 4, 20, 20), 7.25)
    torch.testing.assert_close(joint_bilateral(flat, guidance), flat, atol=1e-5, rtol=0)
    a, b = noise(1, 4, 20, 20, seed=1), noise(1, 4, 20, 20, seed=2)
    combined = joint_bilateral(3 * a - b, guidance)
    separate = 3 * joint_bilateral(a, guidance) - joint_bilateral(b, guidance)
    torch.testing.assert_close(combined, separate, atol=1e-5, rtol=0)


def test_rows_path_in_many_small_calls(monkeypatch):
    x, guidance = noise(1, 4, 16, 16), noise(1, 4, 16, 16, seed=1)
    monkeypatch.setattr(anisotropic, "_sums_by_pairs", anisotropic._sums_by_rows)
    monkeypatch.setattr(anisotropic, "DEVICE_BUFFER_BYTES", 1)
    torch.testing.assert_close(
        joint_bilateral(x, guidance).double(), by_definition(x, guidance), atol=1e-5, rtol=0
    )


def test_result_may_be_edited_in_place_and_has_no_gradient():
    x = noise(1, 4, 8, 8).requires_grad_()
    out = joint_bilateral(x, x.detach())
    assert not out.requires_grad
    out += 1


@pytest.mark.parametrize(
    ("x", "guidance", "parameters"),
    [
        ((4, 8, 8), (4, 8, 8), {}),
        ((1, 4, 8, 8), (2, 4, 8, 8), {}),
        ((1, 4, 8, 8), (1, 4, 8, 9), {}),
        ((0, 4, 8, 8), (0, 4, 8, 8), {}),
        ((1, 4, 8, 8), (1, 4, 8, 8), {"radius": -1}),
        ((1, 4, 8, 8), (1, 4, 8, 8), {"sigma_color": 0.0}),
    ],
)
def test_what_does_not_fit_is_refused(x, guidance, parameters):
    with pytest.raises(ValueError, match=r".+"):
        joint_bilateral(torch.zeros(x), torch.zeros(guidance), **parameters)


def test_integers_are_refused():
    with pytest.raises(ValueError, match="floating point"):
        joint_bilateral(torch.zeros(1, 4, 8, 8, dtype=torch.int64), torch.zeros(1, 4, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_standardise_has_bessels_correction_and_the_floor(dtype):
    x0 = (noise(3, 4, 9, 5, scale=2) + 1).to(dtype)
    x0[2] = 0.5
    samples = x0.double().numpy().reshape(3, -1)
    deviation = samples.std(1, ddof=1, keepdims=True)
    expected = (samples - samples.mean(1, keepdims=True)) / (deviation + 1e-5)
    out = standardise(x0)
    assert out.dtype == torch.float32
    torch.testing.assert_close(
        out.double(), torch.from_numpy(expected).view(x0.shape), atol=1e-5, rtol=0
    )

"""The size embedding and the rewriting of the SDXL vector."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from fooocus_ext.core import adm

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def embedding_by_definition(number):
    frequencies = np.exp(-math.log(10000) * np.arange(128) / 128)
    return np.concatenate([np.cos(number * frequencies), np.sin(number * frequencies)])


def hosts_embedding(number, number_dtype):
    """One number as the host embeds it, operation by operation, in float32."""
    value = torch.tensor([number]).to(number_dtype)
    exponents = -math.log(10000) * torch.arange(start=0, end=128, dtype=torch.float32) / 128
    angles = value[:, None].float() * torch.exp(exponents)[None]
    return torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)[0]


def hosts_vector(height, width, number_dtype, rows=2):
    pooled = torch.randn(rows, 1280, generator=torch.Generator().manual_seed(0))
    numbers = [height, width, 8, 24, height, width]
    sizes = torch.cat([hosts_embedding(number, number_dtype) for number in numbers])
    return torch.cat((pooled, sizes.expand(rows, -1)), dim=1)


@given(st.lists(st.integers(0, 8192), min_size=1, max_size=6))
@settings(deadline=None)
def test_embedding_follows_its_formula(numbers):
    out = adm.size_embedding(numbers, torch.float32)
    assert out.shape == (len(numbers), 256)
    expected = torch.from_numpy(np.stack([embedding_by_definition(n) for n in numbers]))
    torch.testing.assert_close(out.double(), expected, atol=1e-3, rtol=0)


def test_embedding_has_the_hosts_bytes():
    numbers = [0, 1, 77, 1024, 1152, 3001]
    out = adm.size_embedding(torch.tensor(numbers), torch.float32)
    expected = torch.stack([hosts_embedding(n, torch.float32) for n in numbers])
    assert torch.equal(out, expected)
    assert torch.equal(adm.size_embedding(numbers, torch.float16), expected.half())


@pytest.mark.parametrize("number_dtype", DTYPES)
@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (832, 1216), (3001, 2049), (1, 8)])
def test_scale_one_gives_the_hosts_own_bytes(height, width, number_dtype):
    vector = hosts_vector(height, width, number_dtype)
    out = adm.scale_original_size(vector, height, width, 1.0, number_dtype=number_dtype)
    assert torch.equal(out, vector)


@pytest.mark.parametrize("number_dtype", DTYPES)
@given(
    height=st.integers(8, 4096),
    width=st.integers(8, 4096),
    scale=st.floats(0.1, 3.0),
)
@settings(deadline=None)
def test_only_the_original_size_changes_and_it_is_truncated(number_dtype, height, width, scale):
    vector = hosts_vector(height, width, number_dtype)
    before = vector.clone()
    out = adm.scale_original_size(vector, height, width, scale, number_dtype=number_dtype)
    claimed = hosts_vector(int(height * scale), int(width * scale), number_dtype)
    assert torch.equal(out[:, :1280], vector[:, :1280])
    assert torch.equal(out[:, 1280:1792], claimed[:, 1280:1792])
    assert torch.equal(out[:, 1792:], vector[:, 1792:])
    assert torch.equal(vector, before)


def test_fooocus_numbers():
    vector = hosts_vector(1152, 896, torch.float32, rows=1)
    out = adm.scale_original_size(vector, 1152, 896, 0.8, number_dtype=torch.float32)
    assert torch.equal(out[0, 1280:1536], hosts_embedding(921, torch.float32))
    assert torch.equal(out[0, 1536:1792], hosts_embedding(716, torch.float32))


@pytest.mark.parametrize(
    ("height", "width", "target"),
    [(288, 160, (256, 128)), (1152, 896, (1152, 896)), (1000, 1100, (1024, 1088))],
)
@pytest.mark.parametrize("scale", [1.5, 0.8, None])
def test_the_six_numbers_of_fooocus(height, width, target, scale):
    vector = hosts_vector(height, width, torch.float16)
    claimed = target if scale is None else (int(height * scale), int(width * scale))
    out = adm.claim_as_fooocus(vector, height, width, scale)
    numbers = [*claimed, 0, 0, *target]
    expected = torch.cat([hosts_embedding(number, torch.float32) for number in numbers])
    assert torch.equal(out[:, 1280:], expected.expand(2, -1))
    assert torch.equal(out[:, :1280], vector[:, :1280])


def test_vector_keeps_its_dtype():
    vector = hosts_vector(1024, 1024, torch.float16).half()
    out = adm.scale_original_size(vector, 1024, 1024, 1.0, number_dtype=torch.float16)
    assert out.dtype == torch.float16
    assert torch.equal(out, vector)


@pytest.mark.parametrize("shape", [(1, 2560), (2, 2048), (2816,), (1, 1, 2816)])
def test_other_vectors_are_refused(shape):
    with pytest.raises(ValueError, match="2816"):
        adm.scale_original_size(torch.zeros(shape), 8, 8, 1.0, number_dtype=torch.float32)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_other_scales_are_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        adm.scale_original_size(torch.zeros(1, 2816), 8, 8, scale, number_dtype=torch.float32)


def test_sizes_beyond_the_number_dtype_are_refused():
    with pytest.raises(ValueError, match="65536x1024"):
        adm.scale_original_size(torch.zeros(1, 2816), 32768, 512, 2.0, number_dtype=torch.float16)


@pytest.mark.parametrize(
    ("timestep", "end", "active"),
    [
        (999, 0.3, True),
        (700, 0.3, True),
        (699, 0.3, False),
        (999, 0.0, False),
        (1, 1.0, True),
        (0, 1.0, False),
        (499.5, 0.5, False),
        (499.6, 0.5, True),
    ],
)
def test_active_above_a_share_of_the_schedule(timestep, end, active):
    assert adm.adm_active(timestep, end) is active


class CosinesOn(TorchFunctionMode):
    """Notes the devices on which cosines are computed."""

    def __init__(self):
        super().__init__()
        self.devices = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cos:
            self.devices.add(args[0].device.type)
        return function(*args, **(kwargs or {}))


def test_cosines_are_computed_where_fooocus_and_the_webui_compute_them():
    vector = torch.zeros(1, 2816, device="meta")
    with CosinesOn() as fooocus:
        assert adm.claim_as_fooocus(vector, 1152, 896, 1.5).device == vector.device
    with CosinesOn() as webui:
        adm.scale_original_size(vector, 1152, 896, 1.5, number_dtype=torch.float16)
    assert (fooocus.devices, webui.devices) == ({"cpu"}, {"meta"})

"""The inpaint engine's arithmetic against NumPy, and the step at which the unpatched base goes on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fooocus_ext.core import inpaint_engine
from fooocus_ext.core.inpaint_engine import Delta


def expected(weight, delta):
    levels = delta.levels.numpy().astype(np.float32)
    least, most = np.float32(delta.least), np.float32(delta.most)
    return weight.float().numpy() + ((levels / np.float32(255)) * (most - least) + least)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_weight_is_patched_in_single_precision_and_kept_in_its_own(dtype):
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(40, 30, 3, 3, generator=generator).to(dtype)
    levels = torch.randint(0, 256, weight.shape, generator=generator, dtype=torch.uint8)
    delta = Delta(levels, -0.0123, 0.0456)
    before = weight.clone()
    found = inpaint_engine.patched(weight, delta)
    assert found.dtype == dtype
    assert torch.equal(found, torch.from_numpy(expected(weight, delta)).to(dtype))
    assert torch.equal(weight, before)


def test_the_ends_of_the_levels_are_the_ends_of_the_range():
    levels = torch.tensor([0, 255], dtype=torch.uint8)
    found = inpaint_engine.patched(torch.zeros(2), Delta(levels, -0.5, 0.25))
    assert found.tolist() == [-0.5, 0.25]


def test_weights_in_8_bits_are_patched_too():
    weight = torch.tensor([0.5, -1.0]).to(torch.float8_e4m3fn)
    levels = torch.tensor([255, 0], dtype=torch.uint8)
    found = inpaint_engine.patched(weight, Delta(levels, -1.0, 0.5))
    assert found.dtype == torch.float8_e4m3fn
    assert found.float().tolist() == [1.0, -2.0]


def test_the_heads_term_is_a_convolution_over_repeated_edges():
    generator = torch.Generator().manual_seed(2)
    head = torch.randn(6, 5, 3, 3, generator=generator).half()
    mask = torch.randint(0, 2, (1, 1, 4, 5), generator=generator).float()
    latent = torch.randn(1, 4, 4, 5, generator=generator)
    found = inpaint_engine.head_term(head, mask, latent)
    seen = np.concatenate([mask.numpy(), latent.numpy()], axis=1)[0].astype(np.float64)
    padded = np.pad(seen, ((0, 0), (1, 1), (1, 1)), mode="edge")
    wanted = np.zeros((6, 4, 5))
    for y in range(4):
        for x in range(5):
            window = padded[:, y : y + 3, x : x + 3]
            wanted[:, y, x] = (head.double().numpy() * window).sum(axis=(1, 2, 3))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[0].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("steps", "last_patched"), [(30, 24), (60, 48), (4, 3), (8, 6), (1, 1), (2, 2), (25, 20)]
)
def test_the_base_goes_on_unpatched_after_the_step_next_to_0_8(steps, last_patched):
    def unpatched(call):
        return inpaint_engine.unpatched_makes(call, total_calls=steps, steps=steps)

    assert [unpatched(call) for call in range(steps)] == [
        call > last_patched for call in range(steps)
    ]

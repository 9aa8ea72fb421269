"""The pairs' sums as Python and as TorchScript runs them."""

from __future__ import annotations

import threading

import pytest
import torch

from fooocus_ext.core import pair_sums as module
from fooocus_ext.core.anisotropic import joint_bilateral
from fooocus_ext.core.pair_sums import pair_sums, sums_of_pairs


@pytest.fixture
def afresh():
    """Forget what was scripted before and after a test."""
    pair_sums.cache_clear()
    yield
    pair_sums.cache_clear()


def by_definition(values, guide, log_space, stride, length):
    """Visit each pair of pixels of the line by itself, in float64."""
    values, guide, log_space = values.double(), guide.double(), log_space.double()
    radius = len(log_space) - 1
    sums = torch.zeros(len(values), length + radius * stride + radius, dtype=torch.float64)
    for p in range(length):
        for dy in range(radius + 1):
            for dx in range(-radius if dy else 1, radius + 1):
                q = p + dy * stride + dx
                distance = (guide[:, p] - guide[:, q]).abs().sum()
                weight = 2 ** (log_space[dy, dx + radius] - distance**2)
                sums[:, p] += weight * values[:, q]
                sums[:, q] += weight * values[:, p]
    return sums


@pytest.mark.parametrize("radius", [0, 1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pairs_add_what_they_should_with_either_interpreter(radius, dtype):
    generator = torch.Generator().manual_seed(0)
    stride, length = 11, 25
    pixels = length + radius * stride + radius
    # the line goes on on both sides, as it does for a block in its middle
    lines = torch.randn(2, 5, pixels + 9, generator=generator, dtype=dtype)
    values, guide = lines[0][:, 4:], lines[1][:3, 4:]
    log_space = -torch.rand(radius + 1, 2 * radius + 1, generator=generator, dtype=dtype)
    expected = by_definition(values, guide, log_space, stride, length)
    for sums in (sums_of_pairs, pair_sums()):
        found = sums(values, guide, log_space, stride, length)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=0)


def test_torchscript_reads_the_function(afresh):
    """What Python alone can read would go unnoticed, at twice the time."""
    assert isinstance(pair_sums(), torch.jit.ScriptFunction)


def test_python_sums_where_torchscript_cannot(afresh, monkeypatch):
    x, guidance = torch.randn(2, 1, 4, 20, 20).unbind()
    expected = joint_bilateral(x, guidance)
    pair_sums.cache_clear()

    def refuse(_function):
        raise RuntimeError("TorchScript was removed")

    monkeypatch.setattr(module.torch.jit, "script", refuse)
    assert pair_sums() is sums_of_pairs
    torch.testing.assert_close(joint_bilateral(x, guidance), expected, atol=1e-6, rtol=0)


def test_first_calls_at_the_same_time(afresh):
    """TorchScript watches its first calls, and optimises the next: none may see another's work."""
    x, guidance = torch.randn(2, 6, 4, 40, 40).unbind()
    results = {}

    def filter_one(index):
        for _ in range(4):
            results[index] = joint_bilateral(x[index : index + 1], guidance[index : index + 1])

    threads = [threading.Thread(target=filter_one, args=(index,)) for index in range(len(x))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = joint_bilateral(x, guidance)
    for index, alone in results.items():
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-6, rtol=0)
    assert len(results) == len(x)

"""What is free on a device, what tensors would take of it, and what says that nothing is left."""

from __future__ import annotations

import pytest
import torch

from fooocus_ext.host.machine.memory import bytes_elsewhere, free_bytes, is_out_of_memory

GPU, CPU = torch.device("cuda"), torch.device("cpu")


def test_all_tensors_count_that_are_not_on_the_device():
    layers = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2, bias=False).half())
    assert bytes_elsewhere(layers.parameters(), GPU) == (3 * 5 + 5) * 4 + 5 * 2 * 2


def test_tensors_on_the_device_do_not_count():
    layers = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2, device="meta"))
    assert bytes_elsewhere(layers.parameters(), CPU) == (5 * 2 + 2) * 4


def test_a_cpu_has_no_device_memory_to_spare():
    assert free_bytes(CPU) is None


def test_free_memory_includes_what_torch_holds_unused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 70)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 50)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert free_bytes(GPU) == 120


@pytest.mark.parametrize(("device", "index"), [(GPU, 1), (torch.device("cuda:0"), 0)])
def test_free_memory_is_asked_of_a_numbered_device(monkeypatch, device, index):
    """torch up to 2.4 refuses a device without a number, which is the webui's usual one."""
    asked = []

    def answer(number):
        asked.append(number)
        return 0

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (answer(number), 0))
    monkeypatch.setattr(torch.cuda, "memory_reserved", answer)
    monkeypatch.setattr(torch.cuda, "memory_allocated", answer)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert free_bytes(device) == 0
    assert asked == [index] * 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), True),
        (torch.cuda.OutOfMemoryError, True),
        (MemoryError, True),
        (
            RuntimeError("MPS backend out of memory (MPS allocated: 17.19 GB, max allowed: 18 GB)"),
            True,
        ),
        (lambda: torch.empty(2**60, dtype=torch.uint8), True),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("Invalid buffer size: 24.00 GB"), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_that_say_memory_is_used_up(error, expected):
    with pytest.raises((RuntimeError, MemoryError, ValueError)) as raised:
        raise error() if callable(error) else error
    assert is_out_of_memory(raised.value) is expected

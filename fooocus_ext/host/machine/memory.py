"""What memory a device has left, what of it is not for weights, what tensors take, what says it is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

HEADROOM = 3 * 1024**3
"""Bytes that sampling and decoding a large picture need besides the weights (1024x1024, fp16)."""

_MEMORY_ERRORS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "Invalid buffer size",
)


def bytes_elsewhere(tensors: Iterable[torch.Tensor], device: torch.device) -> int:
    """Return the bytes of those tensors that are not on the device."""
    return sum(
        each.numel() * each.element_size() for each in tensors if each.device.type != device.type
    )


def free_bytes(device: torch.device) -> int | None:
    """Return the free bytes of the device, counting what torch holds unused; None of a CPU and MPS."""
    if device.type != "cuda":
        return None
    index: Any = device.index
    if index is None:  # as the webui's usual one has it; torch up to 2.4 wants a number
        index = torch.cuda.current_device()
    free, _total = torch.cuda.mem_get_info(index)
    cached = torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)
    return int(free + cached)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up, the device's or the CPU's.

    MPS and the CPU say so with a plain RuntimeError: "MPS backend out of memory (MPS allocated: ...)",
    "Invalid buffer size: 24.00 GB", "DefaultCPUAllocator: can't allocate memory: ..." or, on Windows,
    "... not enough memory: ...".
    """
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_ERRORS)

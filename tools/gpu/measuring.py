"""Time and memory on a GPU or a CPU."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping

import torch

from benchmarks._measuring import interleaved_medians, peak_extra_bytes, synchronised

MEBIBYTE = 2**20


def milliseconds(
    sides: Mapping[str, Callable[[], object]], *, on_cuda: bool, rounds: int
) -> dict[str, float]:
    """Return the median time of each call, all of its work on the device included."""
    waiting = {name: synchronised(call) if on_cuda else call for name, call in sides.items()}
    medians = interleaved_medians(waiting, rounds=rounds)
    return {name: seconds * 1000 for name, seconds in medians.items()}


def extra_mebibytes(call: Callable[[], object], *, on_cuda: bool) -> float:
    """Return the most memory that a call holds beyond what was held before."""
    if not on_cuda:
        return peak_extra_bytes(call) / MEBIBYTE
    call()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / MEBIBYTE


def live_tensors() -> tuple[int, int]:
    """Return how many tensors Python holds, and the bytes of their storages, each counted once."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in tensors
        if tensor.device.type != "meta" and tensor.layout is torch.strided
    }
    return len(tensors), sum(storages.values())

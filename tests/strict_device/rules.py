"""What GPUs allow and what they wait for, operation by operation (``torch.ops.aten``).

Devices and waits are CUDA's; dtypes and missing operations are those of Apple's MPS, which has less.
Where versions of PyTorch differ, the strictest that a webui ships counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tests.strict_device.memory import CPU, CUDA, is_marked, tensors_in

MOVES = {"copy_", "_to_copy", "set_"}
"""May have a tensor of each device."""
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}
TAKES_CPU_SCALARS = {"where", "masked_fill", "masked_fill_", "fill_", "fill"}
"""Besides the pointwise operations of two tensors."""
WAITS = {
    "_local_scalar_dense": "reads a number",
    "equal": "compares",
    "allclose": "compares",
    "nonzero": "counts what is not zero",
    "masked_select": "counts what is selected",
    "_unique": "counts",
    "_unique2": "counts",
    "unique_dim": "counts",
    "unique_consecutive": "counts",
    "repeat_interleave": "adds up the repeats",
    "_linalg_check_errors": "looks for errors",
}
UPLOAD, DOWNLOAD = "uploads", "copies to the CPU"
UNNUMBERED = "names no number"
_MASKS = (torch.bool, torch.uint8)
_TOO_WIDE = (torch.float64, torch.complex128)
_NOT_ON_MPS = {"std_mean"}
"""Of the operations that a GPU was ever asked for: MPS has it from torch 2.3 on."""


def name_of(operation: Any) -> str:
    """Return an operation's name, without its overload."""
    return str(operation.overloadpacket.__name__)


def check_operation(operation: Any) -> None:
    """Raise NotImplementedError, as MPS does, if the device lacks an operation."""
    name = name_of(operation)
    if name in _NOT_ON_MPS:
        raise NotImplementedError(
            f"The operator 'aten::{name}' is not currently implemented for the MPS device."
        )


def check_dtype(result: torch.Tensor) -> None:
    """Raise TypeError, as MPS does, if what the device computed or is to hold is in double precision.

    A copy to the CPU with another dtype is converted first, on the device.
    """
    if result.dtype in _TOO_WIDE:
        raise TypeError(
            f"Cannot convert a MPS Tensor to {result.dtype} dtype as the MPS framework doesn't "
            f"support {result.dtype}. Please use float32 instead."
        )


def check_devices(operation: Any, args: Sequence[Any], tensors: Sequence[torch.Tensor]) -> None:
    """Raise RuntimeError, as CUDA does, if an operation may not be given tensors of both devices."""
    name = name_of(operation)
    marked = [is_marked(tensor) for tensor in tensors]
    if name in MOVES or all(marked) or not any(marked):
        return
    if name in INDEXING:
        _check_indexing(name, args)
        return
    on_cpu = [t for t, is_here in zip(tensors, marked, strict=True) if not is_here]
    is_pair = torch.Tag.pointwise in operation.tags and len(tensors) == 2
    is_written_to = not marked[0] and operation._schema.is_mutable
    takes_scalars = (is_pair or name in TAKES_CPU_SCALARS) and not is_written_to
    if not takes_scalars or any(tensor.dim() for tensor in on_cpu):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {CUDA} "
            f"and {CPU}! (aten::{name})"
        )


def _check_indexing(name: str, args: Sequence[Any]) -> None:
    """Indices may be on the CPU, and so may a single number that is written."""
    target, indices, values = args[0], tensors_in(args[1]), tensors_in(*args[2:])
    if not is_marked(target) and any(map(is_marked, indices)):
        raise RuntimeError(
            f"indices should be either on cpu or on the same device as the indexed tensor (cpu) ({name})"
        )
    for value in values:
        if is_marked(value) != is_marked(target) and (is_marked(value) or value.dim()):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {CUDA} "
                f"and {CPU}! (aten::{name}, values)"
            )


def wait_of(operation: Any, args: Sequence[Any], tensors: Sequence[torch.Tensor]) -> str | None:
    """Return what the CPU waits for in an operation with tensors of the device; None if it goes on.

    An upload waits too: memory that is not pinned is read until the device has it.
    """
    name = name_of(operation)
    if name in INDEXING:
        if any(not is_marked(t) for t in tensors_in(args[1])) and is_marked(args[0]):
            return f"{UPLOAD} indices"
        masks = [t for t in tensors_in(args[1]) if t.dtype in _MASKS and is_marked(t)]
        return f"{name} with a mask" if masks else None
    if name == "copy_" and is_marked(tensors[0]) != is_marked(tensors[1]):
        return UPLOAD if is_marked(tensors[0]) else DOWNLOAD
    if name in WAITS and any(map(is_marked, tensors)):
        return f"{name} {WAITS[name]}"
    return None

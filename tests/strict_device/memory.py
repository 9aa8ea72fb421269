"""Which memory belongs to the strict device: a mark on the storage, which all views of it share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)
"""What a tensor of the strict device says its device is; a program names it "cuda"."""
_MARK = "_is_on_strict_device"


def is_on_device(tensor: torch.Tensor) -> bool:
    """Whether a tensor is on the strict device."""
    with torch._C.DisableTorchFunction():
        return is_marked(tensor)


def is_marked(tensor: torch.Tensor) -> bool:
    """The same, for callers in whose place no other mode listens."""
    return getattr(tensor.untyped_storage(), _MARK, False)


def mark(tensor: torch.Tensor, *, on_device: bool) -> None:
    """Say which device a tensor's memory belongs to, with all views of it."""
    setattr(tensor.untyped_storage(), _MARK, on_device)


def tensors_in(*values: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested lists, tuples and dicts."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(*value)
        elif isinstance(value, dict):
            yield from tensors_in(*value.values())


def names_device(value: Any) -> bool | None:
    """Whether a value names the strict device (True) or the CPU (False); None for all else."""
    if isinstance(value, str):
        try:
            value = torch.device(value)
        except RuntimeError:
            return None
    if not isinstance(value, torch.device):
        return None
    return {"cuda": True, "cpu": False}.get(value.type)


def is_unnumbered(value: Any) -> bool:
    """Whether a value names the strict device without saying which of several."""
    return names_device(value) is True and torch.device(value).index is None

"""Linear layers that read as little memory as their weights allow.

To write one token a network reads each of its weights once, and on a CPU waits for them: half of the
bytes take half of the time. FBGEMM, which torch brings for x86 processors with AVX2, reads weights in half
precision and computes in float32. That loses nothing where the weights are numbers of half precision, as
those of Fooocus's expansion model are. Any other float32 weight is the sum of two such numbers, but for as
much as one rounding of float32; this reads as many bytes as before, in an order that FBGEMM takes faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F

_REMAINDER_SCALE = 2.0**11
"""Lifts what half precision leaves of a weight, 11 bits lower, to where half precision is as fine."""
_FEWEST_BYTES = 2**20
"""Weights of fewer bytes stay in a core's cache, where FBGEMM's call costs more than it gains."""
_ENGINES_WITH_HALVES = ("fbgemm", "x86")


class LinearLayer(Protocol):
    """``hidden @ weight.T + bias`` of hidden states ``[..., in]``; returns ``[..., out]``."""

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """Apply the layer."""

    @property
    def bytes_read(self) -> int:
        """What the weights take in memory."""


def linear_layer(weight: torch.Tensor, bias: torch.Tensor) -> LinearLayer:
    """Return the fastest form of a layer.

    Args:
        weight: ``[out, in]``, on the device and in the dtype to compute in.
        bias: ``[out]``.
    """
    halves = _as_halves(weight) if _has_halves(weight) else ()
    return _HalfPrecisionLayer(halves, bias) if halves else _PlainLayer(weight, bias)


class _PlainLayer:
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self._weight = weight.contiguous()
        self._bias = bias

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.linear(hidden, self._weight, self._bias)

    @property
    def bytes_read(self) -> int:
        return self._weight.nbytes


class _HalfPrecisionLayer:
    """A layer whose weight is the sum of ``halves[i] / _REMAINDER_SCALE**i``.

    Args:
        halves: one or two float32 tensors ``[out, in]`` of numbers that half precision holds.
        bias: ``[out]``.
    """

    def __init__(self, halves: Sequence[torch.Tensor], bias: torch.Tensor) -> None:
        self._layers = [
            _packed(half, bias if place == 0 else None) for place, half in enumerate(halves)
        ]
        self.bytes_read = sum(2 * half.numel() for half in halves)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        main, *remainders = self._layers
        result: torch.Tensor = main(hidden)
        for remainder in remainders:
            result.add_(remainder(hidden), alpha=1 / _REMAINDER_SCALE)
        return result


def _has_halves(weight: torch.Tensor) -> bool:
    return (
        weight.nbytes >= _FEWEST_BYTES
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.quantized.engine in _ENGINES_WITH_HALVES
    )


def _as_halves(weight: torch.Tensor) -> list[torch.Tensor]:
    """Return the weight as one or two tensors that half precision holds; none if it is too large."""
    half = weight.half().float()
    if not half.isfinite().all():
        return []
    remainder = weight - half
    if not remainder.any():
        return [half]
    return [half, (remainder * _REMAINDER_SCALE).half().float()]


def _packed(half: torch.Tensor, bias: torch.Tensor | None) -> torch.nn.Module:
    out_features, in_features = half.shape
    layer = torch.ao.nn.quantized.dynamic.Linear(  # type: ignore[no-untyped-call]
        in_features, out_features, bias_=bias is not None, dtype=torch.float16
    )
    layer.set_weight_bias(half, bias)
    return layer

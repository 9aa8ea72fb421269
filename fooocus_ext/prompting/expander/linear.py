"""Linear layers that read as little memory as their weights allow.

To write one token a network reads each of its weights once, and on a CPU waits for them: half of the
bytes take half of the time. FBGEMM, which torch brings for x86 processors with AVX2, reads weights in half
precision and computes in float32. That loses nothing where the weights are numbers of half precision, as
those of Fooocus's expansion model are. Other float32 weights are the sum of two such numbers; this reads as
many bytes as before, in an order that FBGEMM takes faster. Where the sum would miss a weight by more than
float32 rounds the layer's largest one, or torch has no such products, the layer stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F

log = logging.getLogger("fooocus")
_quantized = torch.ops.quantized

_REMAINDER_SCALE = 2.0**11
"""Lifts what half precision leaves of a weight, 11 bits lower, to where half precision is as fine."""
_ROUNDING = 2.0**-23
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
    layer = _in_halves(weight, bias) if _is_worth_halving(weight) else None
    return layer or _PlainLayer(weight, bias)


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
        biases = (bias, *[None] * (len(halves) - 1))
        self._packed: list[Any] = list(map(_quantized.linear_prepack_fp16, halves, biases))
        self.bytes_read = sum(2 * half.numel() for half in halves)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = hidden.float()  # under autocast it may be something else
        main, *remainders = self._packed
        result: torch.Tensor = _quantized.linear_dynamic_fp16(hidden, main)
        for remainder in remainders:
            result.add_(
                _quantized.linear_dynamic_fp16(hidden, remainder), alpha=1 / _REMAINDER_SCALE
            )
        return result


def _in_halves(weight: torch.Tensor, bias: torch.Tensor) -> LinearLayer | None:
    """Return the layer in half precision; None if that would miss a weight, or torch cannot."""
    halves = _as_halves(weight.contiguous())
    if not halves:
        return None
    try:
        layer = _HalfPrecisionLayer(halves, bias)
        layer(weight.new_zeros(1, weight.shape[1]))
    except (AttributeError, RuntimeError):
        log.debug("torch has no products with weights in half precision", exc_info=True)
        return None
    return layer


def _is_worth_halving(weight: torch.Tensor) -> bool:
    return (
        weight.nbytes >= _FEWEST_BYTES
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.quantized.engine in _ENGINES_WITH_HALVES
    )


def _as_halves(weight: torch.Tensor) -> list[torch.Tensor]:
    """Return the weight as one or two tensors that half precision holds; none if they would miss it."""
    half = weight.half().float()
    remainder = weight - half
    if not remainder.any():
        return [half]
    rest = remainder.mul_(_REMAINDER_SCALE).half().float()
    missed = (rest / _REMAINDER_SCALE + half).sub_(weight).abs_().max()
    return [half, rest] if missed <= _ROUNDING * weight.abs().max() else []

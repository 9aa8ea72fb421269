"""The sums of the bilateral filter over pairs of pixels, without the interpreter between operations.

A picture takes several hundred operations of some ten microseconds. Called from Python each costs a few
more, and two threads hinder each other, since the interpreter lets one run at a time. TorchScript runs
them without it, in two thirds of the time on two cores. It is deprecated from torch 2.10 on, and
torch.compile, which takes its place, wants a C++ compiler; but the webuis' torch is older (2.1 to 2.7).
Where it is missing or fails, Python runs the same function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

PairSums = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, int, int], torch.Tensor]


@functools.cache
def pair_sums() -> PairSums:
    """Return `sums_of_pairs` for TorchScript to run, or the function itself if it cannot."""
    try:
        scripted: PairSums = torch.jit.script(sums_of_pairs)
    except (AttributeError, OSError, RuntimeError, DeprecationWarning):  # only speed is lost
        return sums_of_pairs
    return scripted


def sums_of_pairs(
    values: torch.Tensor, guide: torch.Tensor, log_space: torch.Tensor, stride: int, length: int
) -> torch.Tensor:
    """Return what the pairs add whose first pixel is one of the first ``length`` on the line.

    A pair is a pixel p and one that follows it in its window, q. It adds w(p, q) values(q) to p and
    w(p, q) values(p) to q, w being ``2^(log_space - d^2)`` and d the sum over channels of how far the
    guides are apart.

    Args:
        values: [C, n], a flat line per channel, n at least ``length`` and the window's reach.
        guide: [any, n], laid out as ``values``.
        log_space: [radius + 1, 2 radius + 1], the binary logarithms of the window's weights of
            distance: rows from its centre's on, columns from left to right.
        stride: the distance between vertical neighbours.
        length: how many pixels are the first of a pair.

    Returns:
        [C, length + reach]; the centre itself is not among the sums.
    """
    radius = log_space.size(0) - 1
    sums = values.new_zeros([values.size(0), length + radius * stride + radius])
    sums_here = sums.narrow(1, 0, length)
    values_here = values.narrow(1, 0, length)
    guide_here = guide.narrow(1, 0, length)
    all_distances = guide.new_empty([2 * radius + 1, guide.size(0), length])
    all_weights = guide.new_empty([2 * radius + 1, length])
    for dy in range(radius + 1):
        first_dx = -radius if dy > 0 else 1  # of the centre's row, what follows the centre
        count = radius + 1 - first_dx
        first = dy * stride + first_dx
        near = guide.as_strided(
            [count, guide.size(0), length],
            [1, guide.stride(0), 1],
            guide.storage_offset() + first,
        )
        distances = all_distances.narrow(0, 0, count)
        torch.sub(near, guide_here, out=distances)
        distances.abs_()
        weights = all_weights.narrow(0, 0, count)
        torch.sum(distances, [1], False, out=weights)
        space = log_space.select(0, dy).narrow(0, radius + first_dx, count).unsqueeze(1)
        torch.addcmul(space, weights, weights, value=-1.0, out=weights)
        weights.exp2_()
        for index in range(count):
            weight = weights.select(0, index)
            sums_here.addcmul_(weight, values.narrow(1, first + index, length))
            sums.narrow(1, first + index, length).addcmul_(weight, values_here)
    return sums

"""Matrix products with a few rows, which is all that writing word by word consists of."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
import torch.nn.functional as F

logger = logging.getLogger("fooocus")

Linear = Callable[[torch.Tensor], torch.Tensor]
_FEW_ROWS = 8  # the number of rows that the packed layout is chosen for; others work as well
_TOLERANCE = 1e-4


def pack_linear(weight: torch.Tensor, bias: torch.Tensor | None) -> Linear:
    """Return a function that computes ``F.linear(x, weight, bias)``.

    On a CPU in float32, oneDNN gets the weights in the layout of its own choice once, instead of
    reordering them in every call: with eight rows of a GPT-2 that takes half the time of ``F.linear``.
    torch has no public name for that, so a version that lacks the operator, or computes anything else
    with it, gets ``F.linear``.

    Args:
        weight: ``[out, in]``.
        bias: ``[out]``, or None.
    """
    plain: Linear = lambda x: F.linear(x, weight, bias)  # noqa: E731
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return plain
    try:
        packed = _pack_with_onednn(weight, bias)
        probe = torch.linspace(-1, 1, 2 * weight.shape[1]).view(2, -1)
        difference = (packed(probe) - plain(probe)).abs().max()
    except (RuntimeError, AttributeError, TypeError, NotImplementedError) as error:
        logger.debug("no packed weights in this version of torch: %s", error)
        return plain
    return packed if difference <= _TOLERANCE * (1 + plain(probe).abs().max()) else plain


def _pack_with_onednn(weight: torch.Tensor, bias: torch.Tensor | None) -> Linear:
    operators = torch.ops.mkldnn
    packed = operators._reorder_linear_weight(weight, _FEW_ROWS)  # noqa: SLF001
    linear = operators._linear_pointwise  # noqa: SLF001

    def apply(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = linear(x, packed, bias, "none", [], "")
        return result

    return apply

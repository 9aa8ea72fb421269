"""Fooocus's inpaint engine: a patch of weights in 8 bits, and what its head adds to a UNet's first block.

The patch makes an SDXL base continue pictures; the head tells it which part is to be made, without a
ninth input channel (Fooocus 2.5.5, ``ldm_patched/modules/lora.py`` and ``modules/inpaint_worker.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from fooocus_ext.core.refiner_switch import takes_over

UNPATCHED_FROM = 0.8
"""The share of the steps after which the unpatched base goes on where there is no refiner."""
_LEVELS = 255.0


class Delta(NamedTuple):
    """What is added to one weight.

    Attributes:
        levels: uint8, in the weight's shape.
        least: what level 0 stands for.
        most: what level 255 stands for.
    """

    levels: torch.Tensor
    least: float
    most: float


def patched(weight: torch.Tensor, delta: Delta) -> torch.Tensor:
    """Return a weight with a delta added, in its own dtype and on its device; computed in float32."""
    values = delta.levels.to(device=weight.device, dtype=torch.float32)
    least, most = (values.new_tensor(bound) for bound in (delta.least, delta.most))
    values.div_(_LEVELS).mul_(most - least).add_(least).add_(weight.float())
    return values.to(weight.dtype)


def head_term(head: torch.Tensor, mask: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    """Return what is added to the output of the UNet's first block, for cond and uncond alike.

    Args:
        head: the kernel [C,1 + L,3,3].
        mask: 1 where the picture is made anew, 0 where it stays [B,1,h,w].
        latent: the picture with grey in place of what is made anew, as a scaled latent [B,L,h,w].

    Returns:
        float32 [B,C,h,w].
    """
    seen = torch.cat((mask, latent), dim=1).float()
    padded = torch.nn.functional.pad(seen, (1, 1, 1, 1), mode="replicate")
    return torch.nn.functional.conv2d(padded, head.to(padded))


def unpatched_makes(call: int, *, total_calls: int, steps: int) -> bool:
    """Return whether the unpatched base makes a model call, where there is no refiner.

    The arguments are those of ``refiner_switch.takes_over``, by whose Fooocus rule it is decided.
    """
    return takes_over(
        "Fooocus", UNPATCHED_FROM, call=call, total_calls=total_calls, steps=steps, timestep=0
    )

"""What an inpaint engine is asked for while a part of a picture is made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MaskedLatents:
    """What an engine's head is told of the picture: both in the size of the latents that are sampled.

    Attributes:
        mask: [1,1,h,w] float32 on the model's device, 1 where the picture is made anew, else 0.
        encode: encodes the picture with its masked part grey, [1,4,h,w] in the scale of the model's own
            latents; each call asks the autoencoder.
    """

    mask: torch.Tensor
    encode: Callable[[], torch.Tensor]


class EngineTurn(Protocol):
    """An engine in one generation: changed weights, and a term that a head adds.

    ``host.inpaint_engine`` of the family gives it, and ``Generation.engine`` holds it.
    """

    def prepare_sampling(self, p: Any, masked: MaskedLatents) -> None:
        """Prepare for the model calls of one batch: its LoRAs are chosen, nothing is sampled yet.

        What must be undone goes to the generation's stacks: ``sampling`` for the end of the batch,
        ``resources`` for the end of the generation, however each ends.
        """

    def before_call(self, call: int, *, total_calls: int, steps: int) -> None:
        """Be told that the model is about to be called; the family's callbacks do so.

        The arguments are those of ``refiner_switch.takes_over``.
        """

"""What an inpaint engine is asked for while a part of a picture is made anew, and the engine that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fooocus_ext.args import NONE
from fooocus_ext.edit import AUTO

if TYPE_CHECKING:
    import torch

    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation


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
    """An engine that takes part in one generation."""

    def prepare_sampling(self, p: Any, masked: MaskedLatents) -> None:
        """Prepare for the model calls of one batch: its LoRAs are chosen, nothing is sampled yet.

        What must be undone goes to the generation's stacks: ``sampling`` for the end of the batch,
        ``resources`` for the end of the generation, however each ends.
        """

    def before_call(self, step: int, steps: int) -> None:
        """Be told that the model is about to be called for ``step`` of ``steps``, counted from 0."""


class Engine(Protocol):
    """An inpaint engine: changed weights, and a term that a head adds, while a part is made anew."""

    def take_part(self, p: Any, generation: Generation, edit: Edit) -> EngineTurn | None:
        """Return the engine's turn in the generation of ``p``, which begins; None if there is none.

        Args:
            p: the request, whose model is loaded.
            generation: its generation; under ``skipped`` goes why an engine that the mode has is not used.
            edit: what is asked for; ``engine_in_effect`` names the engine.

        Raises:
            RequestError: an engine is asked for by name that there is not, or that does not fit.
        """


class NoEngine:
    """The engine where there is none."""

    def take_part(self, _p: Any, generation: Generation, edit: Edit) -> None:
        """Say that a named engine is not used; the mode works without."""
        if edit.engine_in_effect not in (NONE, AUTO):
            generation.skipped["inpaint engine"] = "there is none"


ENGINE: Engine = NoEngine()

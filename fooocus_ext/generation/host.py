"""What a family of webuis offers to a generation: what ``hooks``, and the script that calls them, ask of it.

Jobs, pages and routes are no part of it. A family is an object with these methods, such as
``fooocus_ext.host.a1111.family.A1111``; what it does to guide a model call, and what it asks itself for that,
is its own affair, and comes back to the functions of ``hooks`` with plain tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from fooocus_ext.args import Settings
    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation


class Refiner(Protocol):
    """A refiner that takes part in one generation. Its turn in the sampler is its family's affair."""

    def prepare_batch(self, p: Any, texts: Any = None) -> None:
        """Encode the texts of a batch for the refiner, before its sampling starts.

        ``texts`` are those of Fooocus's rendering, if there is one: the refiner then hears the base's.
        """

    def report(self, generation: Generation) -> None:
        """Note under ``generation.skipped`` if it had no turn in a sampling that came to its end."""


class Rendering(Protocol):
    """Fooocus's way to encode texts, to draw noise and to place steps, in one generation.

    Whatever it does to the host holds for a batch or for the generation, through the stacks of
    ``Generation``; the parts that the host cannot have are noted under ``Generation.skipped``.
    """

    @property
    def texts(self) -> Any:
        """Its texts, which a refiner of the same family is given."""

    def prepare_batch(self, p: Any) -> dict[str, Any]:
        """Prepare the sampling of a batch, whose texts the host has encoded; return its new arguments."""

    def prepare_pass(self, p: Any, unit_noise: torch.Tensor | None) -> None:
        """Prepare the sampler of one pass, which the host has made.

        Args:
            p: the processing object.
            unit_noise: the noise of the pass, which may be changed in place; None if it is not known.
        """

    def finish(self, p: Any, samples: Any) -> Any:
        """Return what a batch's sampling comes to: its latents, or its pictures if it decodes them."""


class Editing(Protocol):
    """A picture of which a part is made anew, in one generation."""

    @property
    def edit(self) -> Edit:
        """What becomes of it."""

    def prepare_batch(self, p: Any) -> None:
        """Prepare the sampling of a batch, whose LoRAs are chosen and whose texts are encoded."""

    def pasted(self, image: Any) -> Any:
        """Return the whole picture with a part that has been made anew in its place."""


@dataclass(frozen=True)
class MaskedLatents:
    """What an inpaint engine's head is told of the picture: both in the size of the latents that are sampled.

    Attributes:
        mask: [1,1,h,w] float32 on the model's device, 1 where the picture is made anew, else 0.
        encode: encodes the picture with its masked part grey, [1,4,h,w] in the scale of the model's own
            latents; each call asks the autoencoder.
    """

    mask: torch.Tensor
    encode: Callable[[], torch.Tensor]


class InpaintEngine(Protocol):
    """An inpaint engine in one generation: changed weights, and a term that a head adds."""

    def prepare_batch(self, p: Any, masked: MaskedLatents) -> None:
        """Prepare for the model calls of one batch: its LoRAs are chosen, nothing is sampled yet.

        What must be undone goes to the generation's stacks: ``sampling`` for the end of the batch,
        ``resources`` for the end of the generation, however each ends.
        """

    def before_call(self, call: int, *, total_calls: int, steps: int) -> None:
        """Be told that the model is about to be called; the family's callbacks do so.

        The arguments are those of ``refiner_switch.takes_over``.
        """


class Host(Protocol):
    """A family of webuis. ``p`` is its processing object, one for each request.

    The script asks `job_options` before a generation and `prepare_pass` in it; ``hooks`` ask the rest.
    """

    @property
    def infotext_varies(self) -> bool:
        """Whether an infotext entry may be a function that the host asks picture by picture."""

    def attach(self, p: Any, generation: Generation) -> None:
        """Make the generation end when the host closes ``p``, and our options leave ``p`` with it."""

    def job_options(self, p: Any, settings: Settings) -> dict[str, Any]:
        """Return the host's options that hold for the job ``p`` because of its settings."""

    def refiner(self, p: Any, generation: Generation) -> Refiner | None:
        """Make the refiner that the settings name ready for its turn; None if there is none.

        Raises RequestError if it cannot take part.
        """

    def inpaint_engine(self, p: Any, generation: Generation, edit: Edit) -> InpaintEngine | None:
        """Make the inpaint engine of ``edit.engine_in_effect`` ready for ``p``, whose model is loaded.

        Returns None if there is none; why an engine that the mode has is not used goes under
        ``generation.skipped``.

        Raises RequestError if one that is asked for by name cannot take part, or a file is broken.
        """

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Prepare for the model calls of one pass, right before it is sampled."""

    def rendering(self, p: Any, generation: Generation) -> Rendering | None:
        """Return Fooocus's rendering if the settings ask for it; None if they do not, or it cannot be.

        Raises RequestError if the request asks for something that Fooocus cannot render.
        """

    def editing(self, p: Any, generation: Generation) -> Editing | None:
        """Return what is made anew of a picture, if ``p`` edits one.

        Raises RequestError if it edits one and the family cannot.
        """

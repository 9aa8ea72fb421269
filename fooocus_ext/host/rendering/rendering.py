"""Fooocus's rendering in one generation: which part is done when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import FOOOCUS
from fooocus_ext.host.rendering.encoder import OF_SDXL_BASE, text_encoders
from fooocus_ext.host.rendering.texts import Texts

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation


def take_part(p: Any, generation: Generation) -> Rendering | None:
    """Return the rendering of ``p``; None if the settings do not ask for it, or the model is not SDXL."""
    if generation.settings.rendering != FOOOCUS:
        return None
    if len(text_encoders(shared.sd_model)) != OF_SDXL_BASE:
        generation.skipped["Fooocus's rendering"] = "it needs an SDXL base model"
        return None
    return Rendering(generation)


class Rendering:
    """The rendering of one generation. What it changes on the host, the generation's stacks undo.

    Attributes:
        texts: its texts.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self.texts = Texts(generation)

    def prepare_batch(self, p: Any) -> None:
        """Prepare a batch, before the host encodes its texts."""

    def prepare_sampling(self, p: Any) -> dict[str, Any]:
        """Prepare the sampling of a batch, whose texts the host has encoded.

        Returns what ``p.sample`` is to be called with in place of its own arguments.
        """
        return self.texts.prepare_sampling(p)

    def prepare_sampler(self, p: Any) -> None:
        """Prepare the sampler of one pass, which the host has made (from webui 1.10 on)."""

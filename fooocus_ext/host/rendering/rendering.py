"""Fooocus's rendering in one generation: which part is done when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import FOOOCUS
from fooocus_ext.host.machine import families

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation


def take_part(p: Any, generation: Generation) -> Rendering | None:
    """Return the rendering of ``p``; None if the settings do not ask for it, or the model is not SDXL."""
    if generation.settings.rendering != FOOOCUS:
        return None
    if families.of_model(shared.sd_model) != families.SDXL:
        generation.skipped["Fooocus's rendering"] = "it needs an SDXL base model"
        return None
    return Rendering(generation)


class Rendering:
    """The rendering of one generation. What it changes on the host, the generation's stacks undo."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def prepare_batch(self, p: Any) -> None:
        """Prepare a batch, before the host encodes its texts."""

    def prepare_sampling(self, p: Any) -> None:
        """Prepare the sampling of a batch, whose texts the host has encoded."""

    def prepare_sampler(self, p: Any) -> None:
        """Prepare the sampler of one pass, which the host has made (from webui 1.10 on)."""

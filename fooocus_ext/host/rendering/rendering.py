"""Fooocus's rendering in one generation: which part is done when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import FOOOCUS
from fooocus_ext.host.machine import versions
from fooocus_ext.host.passes import in_second_pass
from fooocus_ext.host.rendering import noise, options, samplers, schedules, tiles
from fooocus_ext.host.rendering.encoder import check_clip_skip
from fooocus_ext.host.rendering.text_encoders import is_sdxl_base
from fooocus_ext.host.rendering.texts import Texts
from fooocus_ext.host.replaced import replaced

if TYPE_CHECKING:
    import torch

    from fooocus_ext.generation.state import Generation


def take_part(p: Any, generation: Generation) -> Rendering | None:
    """Return the rendering of ``p``; None if the settings do not ask for it, or the model is not SDXL.

    Raises RequestError if the model has fewer layers than the clip skip asks for.
    """
    if generation.settings.rendering != FOOOCUS:
        return None
    if not is_sdxl_base(shared.sd_model):
        generation.skipped["Fooocus's rendering"] = "it needs an SDXL base model"
        return None
    check_clip_skip(shared.sd_model)
    return Rendering(p, generation)


class Rendering:
    """The rendering of one generation. What it changes on the host, the generation's stacks undo.

    Attributes:
        texts: its texts.
    """

    def __init__(self, p: Any, generation: Generation) -> None:
        self._generation = generation
        self.texts = Texts(generation)
        self._levels = schedules.Levels(p)
        for name, value in options.changed_fields(p).items():
            generation.resources.enter_context(replaced(p, name, value))
        if tiles.asked_by(p):
            tiles.encode_in_tiles(p, generation)

    def prepare_batch(self, p: Any) -> dict[str, Any]:
        """Prepare the sampling of a batch, whose texts the host has encoded.

        Returns what ``p.sample`` is to be called with in place of its own arguments.
        """
        for name in ("sampler_noise_scheduler_override", "eta"):
            self._generation.sampling.callback(setattr, p, name, getattr(p, name))
        arguments = self.texts.prepare_batch(p)
        p.rng = noise.like_fooocus(p.rng)
        self._levels.prepare_pass()
        if versions.has_sampling_hook():
            return arguments
        if schedules.begins_with_picture(p):  # whose sampler the host has made already
            samplers.prepare(p, self._generation, self._levels, None)
        elif samplers.needs_own(schedules.asked_by(p)):
            self._generation.skipped["Fooocus's sampler"] = "it needs webui 1.10 or newer"
        return arguments

    def prepare_pass(self, p: Any, unit_noise: torch.Tensor | None) -> None:
        """Prepare the sampler of one pass, which the host has made (from webui 1.10 on).

        Args:
            p: the processing object.
            unit_noise: the noise of the pass [B,C,h,w], which may be changed in place.
        """
        if in_second_pass(p):
            self._levels.prepare_pass()
            if unit_noise is not None:
                p.rng = noise.like_fooocus(p.rng)
                unit_noise.copy_(p.rng.next())
        samplers.prepare(p, self._generation, self._levels, unit_noise)

    def finish(self, p: Any, samples: Any) -> Any:
        """Return what a batch's sampling comes to: its latents, or its pictures if it decodes them."""
        if tiles.asked_by(p) and not getattr(samples, "already_decoded", False):
            return tiles.decoded(p, samples)
        return samples

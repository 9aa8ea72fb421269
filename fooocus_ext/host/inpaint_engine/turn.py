"""The engine's part in one generation: when its weights and its head are in the UNet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from modules import devices, sd_unet, shared

from fooocus_ext.args import NONE
from fooocus_ext.core.inpaint_engine import AUTO, head_term, unpatched_makes
from fooocus_ext.errors import RequestError, describe, did_you_mean
from fooocus_ext.host.inpaint_engine import files
from fooocus_ext.host.inpaint_engine.resident import RESIDENCE
from fooocus_ext.host.machine import families
from fooocus_ext.host.rendering.encoder import OF_SDXL_BASE, text_encoders

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation

log = logging.getLogger("fooocus")

_SKIPPED = "inpaint engine"
_INPAINTING_CHANNELS = 9


def take_part(p: Any, generation: Generation, engine: str) -> Engine | None:
    """Make the engine ready for ``p``; None if there is to be none, or it cannot be and need not.

    Args:
        p: the processing object.
        generation: its generation; notes why "auto" comes to none.
        engine: "None"; "auto": the best whose files are there, if the base is one for it; a version or
            the name of a file, which must be able to take part.

    Raises:
        RequestError: the engine that was asked for cannot take part; a file is broken.
    """
    if engine == NONE:
        return None
    patch = files.best() if engine == AUTO else _file_of(engine)
    obstacle = _obstacle(shared.sd_model) or files.missing(files.HEAD, patch)
    if obstacle and engine != AUTO:
        raise RequestError(
            f'engine: {describe(engine)} cannot be used: {obstacle}; allowed: "None".'
        )
    if obstacle:
        generation.skipped[_SKIPPED] = obstacle
        return None
    if getattr(p, "refiner_checkpoint_info", None) is not None:
        p.comment(
            f"The webui's own refiner {p.refiner_checkpoint_info.short_title} is not used: it would "
            "replace the weights that the inpaint engine has patched."
        )
        p.refiner_checkpoint = p.refiner_checkpoint_info = None
    return Engine(shared.sd_model, patch, hands_over=generation.refiner is None)


def _file_of(engine: str) -> str:
    """Return the file name of a patch that is asked for by its version or its name."""
    if engine in files.ENGINES:
        return files.ENGINES[engine]
    known = [*files.ENGINES.values()]
    if engine in known:
        return engine
    allowed = ", ".join(f'"{name}"' for name in (AUTO, NONE, *files.ENGINES, *known))
    raise RequestError(
        f"engine: there is no {describe(engine)}{did_you_mean(engine, known)}; allowed: {allowed}."
    )


def _obstacle(base: Any) -> str:
    """Return why the engine does not fit a base, by its name; empty if it does."""
    title, family = base.sd_checkpoint_info.title, families.of_model(base)
    if family != families.SDXL:
        return f'it is made for SDXL, and "{title}" is {family}'
    channels = families.unet_of(base).in_channels
    if channels == _INPAINTING_CHANNELS:
        return f'it does not fit "{title}", which is an inpainting model (9 channels)'
    if len(text_encoders(base)) != OF_SDXL_BASE:
        return f'it does not fit "{title}", which is a refiner'
    if getattr(sd_unet, "current_unet", None) is not None:
        return 'the webui\'s setting "SD Unet" replaces the UNet'
    return ""


class Engine:
    """The engine taking part in the sampling of one processing object.

    Outside of its batches' sampling, and inside after the unpatched base has taken over, the base is as
    the webui knows it. What is patched stays in memory for the next batch and the next job.
    """

    def __init__(self, base: Any, patch: str, *, hands_over: bool) -> None:
        self._base = base
        self._hands_over = hands_over
        self._head, self._weights = RESIDENCE.acquire(base, patch)
        self._hook: Any = None

    def begin(self, generation: Generation, *, mask: torch.Tensor, latent: torch.Tensor) -> None:
        """Have the coming model calls made with the engine, until it hands over or the sampling ends.

        Args:
            generation: whose batch is sampled next; the LoRAs of the batch are chosen.
            mask: 1 where the picture is made anew [1,1,h,w].
            latent: of the picture with grey in place of what is made anew [1,L,h,w], as the webui scales it.
        """
        self.end()
        generation.sampling.callback(self.end)
        with torch.no_grad():
            made = self._weights.make()
            if made:
                log.info("patched %d weights", made)
            self._weights.put_in(moves_itself=bool(getattr(self._base, "lowvram", False)))
            first = families.unet_of(self._base).input_blocks[0]
            with devices.without_autocast():
                term = head_term(self._head, mask, latent)
            self._hook = first.register_forward_hook(_adds(term))

    def intervene(self, denoiser: Any) -> None:
        """Let the unpatched base make the coming model call, if it is its turn."""
        if self._hands_over and unpatched_makes(
            denoiser.step, total_calls=denoiser.total_steps, steps=denoiser.steps
        ):
            self.end()

    def end(self) -> None:
        """Give the base its own weights back. Safe to call any number of times."""
        try:
            if self._hook is not None:
                self._hook.remove()
                self._hook = None
        finally:
            self._weights.take_out()


def _adds(term: torch.Tensor) -> Any:
    """Return a hook that adds a term to what a block gives."""

    def add(_block: Any, _args: Any, out: torch.Tensor) -> torch.Tensor:
        return out + term.to(out)

    return add

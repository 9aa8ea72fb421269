"""The engine's part in one generation: when its weights and its head are in the UNet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from modules import devices, sd_unet, shared

from fooocus_ext.args import NONE
from fooocus_ext.core.inpaint_engine import head_term, unpatched_makes
from fooocus_ext.edit import AUTO, ENGINES
from fooocus_ext.errors import RequestError, describe, did_you_mean
from fooocus_ext.host.inpaint_engine import files
from fooocus_ext.host.inpaint_engine.resident import RESIDENCE
from fooocus_ext.host.machine import assets, model_kinds
from fooocus_ext.host.refiner import webuis
from fooocus_ext.host.rendering.text_encoders import is_sdxl_base
from fooocus_ext.presets.file_names import match_file

if TYPE_CHECKING:
    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.host import MaskedLatents
    from fooocus_ext.generation.state import Generation

log = logging.getLogger("fooocus")

_SKIPPED = "inpaint engine"
_INPAINTING_CHANNELS = 9


def take_part(p: Any, generation: Generation, edit: Edit) -> Turn | None:
    """Make the engine ready for ``p``; None if there is to be none, or "auto" comes to none.

    Args:
        p: the processing object.
        generation: its generation; notes why "auto" comes to none.
        edit: its ``engine_in_effect`` is "None"; "auto", the best whose files are there, if it fits the
            base; or a version or the name of a file, which must be able to take part.

    Raises:
        RequestError: the engine that was asked for cannot take part; a file is broken.
    """
    engine = edit.engine_in_effect
    if engine == NONE:
        return None
    patch = files.best() if engine == AUTO else _file_of(engine)
    obstacle = _obstacle(shared.sd_model)
    if engine == AUTO:
        obstacle = obstacle or _preset_against_it(generation.settings.preset, shared.sd_model)
    obstacle = obstacle or files.missing(files.HEAD, patch)
    if obstacle and engine != AUTO:
        raise RequestError(
            f'engine: {describe(engine)} cannot be used: {obstacle}; allowed: "{AUTO}", "{NONE}".'
        )
    if obstacle:
        generation.skipped[_SKIPPED] = obstacle
        return None
    webuis_own = webuis.switch_off(p)
    if webuis_own is not None:
        p.comment(
            f"The webui's own refiner {webuis_own} is not used: it would replace the weights that the "
            "inpaint engine has patched."
        )
    return Turn(shared.sd_model, patch, generation)


def _file_of(engine: str) -> str:
    """Return the file name of a patch that is asked for by its version or its name."""
    if engine in ENGINES:
        return ENGINES[engine]
    known = [*ENGINES.values()]
    if engine in known:
        return engine
    allowed = ", ".join(f'"{name}"' for name in (AUTO, NONE, *ENGINES, *known))
    raise RequestError(
        f"engine: there is no {describe(engine)}{did_you_mean(engine, known)}; allowed: {allowed}."
    )


def _obstacle(base: Any) -> str:
    """Return why the engine does not fit a base, by its name; empty if it does."""
    title, kind = base.sd_checkpoint_info.title, model_kinds.of_model(base)
    if kind != model_kinds.SDXL:
        return f'it is made for SDXL, and "{title}" is {kind}'
    if not is_sdxl_base(base):
        return f'it does not fit "{title}", which is a refiner'
    if model_kinds.unet_of(base).in_channels == _INPAINTING_CHANNELS:
        return f'it does not fit "{title}", which is an inpainting model (9 channels)'
    if getattr(sd_unet, "current_unet", None) is not None:
        return 'the webui\'s setting "SD Unet" replaces the UNet'
    return ""


def _preset_against_it(chosen: str, base: Any) -> str:
    """Return which preset switches the engine off: the one chosen, or one that is for the base."""
    for preset in assets.presets().presets.values():
        is_meant = preset.name == chosen or (
            preset.base_model is not None
            and match_file(preset.base_model, [base.sd_checkpoint_info.filename]) is not None
        )
        if is_meant and preset.inpaint_engine == NONE:
            return f'the preset "{preset.name}" switches it off'
    return ""


class Turn:
    """The engine in one generation (``generation.host.InpaintEngine``).

    Outside of its batches' sampling, and inside after the unpatched base has taken over, the base is as
    the webui knows it. What was patched stays in memory for the next batch and the next job.
    """

    def __init__(self, base: Any, patch: str, generation: Generation) -> None:
        self._base = base
        self._generation = generation
        self._head, self._weights = RESIDENCE.acquire(base, patch)
        self._term: torch.Tensor | None = None
        self._hook: Any = None

    def prepare_batch(self, _p: Any, masked: MaskedLatents) -> None:
        """Have the coming model calls made with the engine, until it hands over or sampling ends."""
        self.end()
        self._generation.sampling.callback(self.end)
        with torch.no_grad():
            if self._term is None:  # it is the same for all pictures of a job
                latent = masked.encode()
                with devices.without_autocast():
                    self._term = head_term(self._head, masked.mask, latent)
            made = self._weights.make()
            if made:
                log.info("the inpaint engine has patched %d weights", made)
            self._weights.put_in(moves_itself=bool(getattr(self._base, "lowvram", False)))
            first = model_kinds.unet_of(self._base).input_blocks[0]
            self._hook = first.register_forward_hook(_adding(self._term))

    def before_call(self, call: int, *, total_calls: int, steps: int) -> None:
        """Let the unpatched base make the coming model call, if it is its turn."""
        has_refiner = self._generation.refiner is not None
        if not has_refiner and unpatched_makes(call, total_calls=total_calls, steps=steps):
            self.end()

    def end(self) -> None:
        """Give the base its own weights back. Safe to call any number of times."""
        try:
            if self._hook is not None:
                self._hook.remove()
                self._hook = None
        finally:
            self._weights.take_out()


def _adding(term: torch.Tensor) -> Any:
    """Return a forward hook that adds a term to what a block gives."""

    def add(_block: Any, _args: Any, out: torch.Tensor) -> torch.Tensor:
        return out + term.to(out)

    return add

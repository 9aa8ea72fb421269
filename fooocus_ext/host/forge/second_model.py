"""The Forge family's way of holding a second checkpoint in memory.

Its memory manager decides where weights are; this never moves any. It is only told which UNet samples
next, and that a model is gone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from modules import extra_networks, sd_models, shared

from fooocus_ext.host.forge import guidance
from fooocus_ext.host.forge.engine import engine
from fooocus_ext.host.machine import model_kinds

_EMPTY_PROMPT = "cond_stage_model_empty_prompt"
_PADDING = ("pad_cond_uncond_v0", "pad_cond_uncond")
"""Options, and the denoiser's functions for them; the first overrides the other."""


class SecondModel:
    """A loaded checkpoint that is not the host's active model (``resident.SecondModel``).

    Args:
        model: the host's model object.
        takes_loras: whether LoRAs for the base fit it. In an SDXL refiner names repeat those of SDXL
            with another meaning.
    """

    def __init__(self, model: Any, *, takes_loras: bool) -> None:
        self.model = model
        self._takes_loras = takes_loras

    @contextmanager
    def encoding(self, p: Any, *, is_second_pass: bool) -> Iterator[None]:
        """Make this the model with which the host encodes a pass, with its LoRAs on it."""
        with self._active():
            self._put_on_loras(p, is_second_pass=is_second_pass)
            try:
                yield
            finally:
                if is_second_pass:  # the host's list of LoRAs is that of the first until then
                    self._put_on_loras(p, is_second_pass=False)

    @contextmanager
    def sampling(self, p: Any, *, is_second_pass: bool) -> Iterator[None]:
        """Make this the model for which the host makes an inner model, with LoRAs and our hooks."""
        engine().sampling_cleanup(_active_unet())
        with self._active():
            self._put_on_loras(p, is_second_pass=is_second_pass)
            self.model.forge_objects = self.model.forge_objects_after_applying_lora.shallow_copy()
            guidance.install(self.model.forge_objects)
            yield

    def beside(self, _base: Any) -> Placement:
        """Return which UNet is ready to sample during one generation."""
        return Placement(self.model)

    def prepare(self) -> None:
        """Do nothing: the host does nothing either to a refiner of its own."""

    def pad(self, params: Any, _p: Any) -> None:
        """Have the host's denoiser pad these texts, if it is one that pads (reForge 3b56b26).

        Its own call comes after ours and reaches the base's texts, which it knew before. Forge (dfdcbab)
        has the functions, and never calls them.
        """
        cond, uncond, denoiser = params.text_cond, params.text_uncond, params.denoiser
        asked = next((name for name in _PADDING if getattr(shared.opts, name, False)), None)
        if asked is None or uncond is None or cond.shape[1] == uncond.shape[1]:
            return
        code = getattr(type(denoiser).forward, "__code__", None)
        if code is not None and asked in code.co_names:
            with self._active():  # whose empty prompt is the filler
                params.text_cond, params.text_uncond = getattr(denoiser, asked)(cond, uncond)

    def encode_empty_prompt(self) -> None:
        """Have the model know its states of an empty prompt, as the host's loading of a base ends with."""
        with self._active(), torch.no_grad():
            setattr(self.model, _EMPTY_PROMPT, sd_models.get_empty_cond(self.model))

    def release(self) -> None:
        """Make the memory manager forget the model, so that its memory is free now."""
        objects = self.model.forge_objects_original
        loaded = engine().loaded_models
        for patcher in (objects.unet, objects.clip.patcher):
            loaded[:] = [entry for entry in loaded if not _is_of(entry, patcher)]

    @contextmanager
    def _active(self) -> Iterator[None]:
        """Make this the model that the host's code sees; nothing is moved or loaded."""
        data = sd_models.model_data
        before, data.sd_model = data.sd_model, self.model
        try:
            yield
        finally:
            data.sd_model = before

    def _put_on_loras(self, p: Any, *, is_second_pass: bool) -> None:
        """Put a pass's LoRAs on this model, which is active."""
        if self._takes_loras and not p.disable_extra_networks:
            networks = p.hr_extra_network_data if is_second_pass else p.extra_network_data
            extra_networks.activate(p, networks)


class Placement:
    """Tells the memory manager which UNet samples next (``resident.Placement``).

    The base is whatever model is active when it is asked for: the host loads another for a hires pass
    with a checkpoint of its own (Forge dfdcbab: with other modules, too), and the base anew after it.
    """

    def __init__(self, refiner: Any) -> None:
        self._refiner = refiner
        self._sampling_unet: Any = None

    def text_encoder_on_device(self) -> AbstractContextManager[None]:
        """Do nothing: the host's encoding has the text encoder loaded."""
        return nullcontext()

    def refiner_on_device(self, x: torch.Tensor) -> None:
        """Have the refiner's UNet ready for latents like ``x``."""
        self._sampling_unet = self._refiner.forge_objects.unet
        engine().sampling_prepare(self._sampling_unet, x)

    def base_on_device(self, x: torch.Tensor | None) -> None:
        """Have the base's UNet ready again for ``x``; for nothing more (None), let go of the refiner's."""
        unet, self._sampling_unet = self._sampling_unet, None
        if unet is None:
            return
        engine().sampling_cleanup(unet)
        if x is not None:
            engine().sampling_prepare(_active_unet(), x)


class Loader:
    """Loads with the engine's own loader (``resident.Loader``)."""

    def storage(self) -> Hashable:
        """Return in what numbers the engine stores the weights of a UNet that it loads now."""
        return engine().storage

    def read(self, info: Any) -> Mapping[str, Any]:
        """Read a checkpoint, so far as the engine needs it read."""
        return engine().read(info)

    def load(self, info: Any, state_dict: Mapping[str, Any], base: Any) -> SecondModel:
        """Load a checkpoint; it stays on the CPU until it is needed.

        Raises:
            RequestError: the host does not know this kind of model.
        """
        takes_loras = model_kinds.of_checkpoint(state_dict) != (model_kinds.SDXL, True)
        model = engine().load(info, state_dict)
        for objects in (
            model.forge_objects,
            model.forge_objects_original,
            model.forge_objects_after_applying_lora,
        ):
            objects.vae = None  # the base decodes
        second = SecondModel(model, takes_loras=takes_loras)
        if hasattr(base, _EMPTY_PROMPT):
            second.encode_empty_prompt()
        return second


def _active_unet() -> Any:
    """Return the UNet's patcher of the host's active model."""
    return sd_models.model_data.sd_model.forge_objects.unet


def _is_of(entry: Any, patcher: Any) -> bool:
    """Whether an entry of the memory manager is of a patcher's network; it may be of a dead one."""
    return entry.model is not None and bool(patcher.is_clone(entry.model))

"""A second checkpoint kept in memory beside the webui's own, without the webui noticing.

How it is loaded, becomes active and is placed is its family's affair: what ``SecondModel`` describes.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from modules import devices, sd_models

from fooocus_ext.args import NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import checkpoints, model_kinds

log = logging.getLogger("fooocus")


class Placement(Protocol):
    """Keeps the UNet that samples on the device, while base and refiner take turns."""

    def text_encoder_on_device(self) -> AbstractContextManager[None]:
        """Have the refiner's text encoder where the host expects an active model's."""

    def refiner_on_device(self, x: torch.Tensor) -> None:
        """Let the refiner sample latents like ``x`` [rows,C,h,w]."""

    def base_on_device(self, x: torch.Tensor | None) -> None:
        """Let the base sample ``x``, or nothing more (None). Does nothing if the base never left."""


class SecondModel(Protocol):
    """A checkpoint that its family loaded beside the host's active model."""

    @property
    def model(self) -> Any:
        """The host's model object, without its VAE."""

    def encoding(self, p: Any, *, is_second_pass: bool) -> AbstractContextManager[None]:
        """Make this the model with which the host encodes a pass, with its LoRAs."""

    def sampling(self, p: Any, *, is_second_pass: bool) -> AbstractContextManager[None]:
        """Make this the model for which the host makes a sampler's inner model in a pass."""

    def beside(self, base: Any) -> Placement:
        """Return where its weights and those of ``base`` are to be during one generation."""

    def prepare(self) -> None:
        """Do what the host does to its active model before each sampling.

        Raises RequestError if it cannot sample, the host's options being what they are.
        """

    def pad(self, params: Any, p: Any) -> None:
        """Make the texts of a model call as long as each other, if the host would with its active model's.

        ``params`` is what the host gives to callbacks before the call.
        """

    def release(self) -> None:
        """Let go of what the host itself keeps of the model."""


class Loader(Protocol):
    """How a family reads and loads a checkpoint."""

    def storage(self) -> Hashable:
        """Return in what numbers the host stores weights that it loads now; something to compare."""

    def read(self, info: Any) -> Mapping[str, Any]:
        """Return the weights of a CheckpointInfo by name; only the names count for its kind."""

    def load(self, info: Any, state_dict: Mapping[str, Any], base: Any) -> SecondModel:
        """Load what `read` returned beside ``base``. Raises RequestError if that cannot be."""


@dataclass
class ResidentModel:
    """A loaded checkpoint that is not the host's active model.

    Attributes:
        info: the host's CheckpointInfo.
        second: the model, as its family keeps it.
        modified: the time of its file.
        loader: what loaded it.
        storage: in what numbers its weights are stored, as ``loader`` told then.
        base_file: the file of the base that it was last acquired for.
        caches: the host's conditioning caches of this model, so that they survive between jobs; see
            `caches_telling`.
    """

    info: Any
    second: SecondModel
    modified: float
    loader: Loader
    storage: Hashable
    base_file: str = ""
    caches: dict[str, list[Any]] = field(default_factory=dict)
    _told: Hashable = None

    def caches_telling(self, told: Hashable) -> dict[str, list[Any]]:
        """Return the caches for texts beside which the model is told ``told``.

        That is what the host's own keys of encoded texts leave out; something else empties the caches.
        """
        if told != self._told:
            self.caches.clear()
            self._told = told
        return self.caches

    def is_as_loaded_now(self, info: Any, modified: float) -> bool:
        """Whether loading a CheckpointInfo whose file has this time would come to the same."""
        now = info.filename, modified, self.loader.storage()
        return (self.info.filename, self.modified, self.storage) == now


def find(name: str) -> Any:
    """Return the host's CheckpointInfo for a checkpoint name as users write them.

    Raises:
        RequestError: no such checkpoint; names the nearest and all that exist.
    """
    info = checkpoints.closest(name)
    if info is not None and os.path.isfile(info.filename):  # noqa: PTH113  (the host's string)
        return info
    titles = [
        other.title
        for other in sd_models.checkpoints_list.values()
        if os.path.isfile(other.filename)  # noqa: PTH113
    ]
    raise checkpoints.unknown("refiner", name, titles, NONE)


class Residence:
    """The one place in memory for a checkpoint beside the webui's own."""

    def __init__(self) -> None:
        self._model: ResidentModel | None = None
        self.is_loading = False
        """Whether the model that the webui reports as loaded is ours, on its way here."""

    def title(self) -> str | None:
        """Return the title of the checkpoint that is resident, if any."""
        return self._model.info.title if self._model is not None else None

    def release(self) -> str | None:
        """Free the resident checkpoint; return its title, or None if there was none."""
        title = self.title()
        if self._model is not None:
            self._model.second.release()
            self._model = None
            gc.collect()  # the hosts' models refer to themselves
            devices.torch_gc()
            log.info("released the resident refiner %s", title)
        return title

    def release_unless_for(self, base: Any) -> None:
        """Free the resident checkpoint if it was last acquired for another base than this one.

        The webui reports a model as loaded also where nothing but its VAE changed; and it loads the same
        file again to store it in other numbers.
        """
        model = self._model
        if model is not None and (model.base_file, model.storage) != (
            base.sd_checkpoint_info.filename,
            model.loader.storage(),
        ):
            self.release()

    def acquire(self, info: Any, base: Any, loader: Loader) -> ResidentModel:
        """Return a checkpoint as a resident model, loading it beside ``base`` unless it already is.

        Raises:
            RequestError: the file is unreadable, not a checkpoint, or of another kind than ``base``.
        """
        modified = os.path.getmtime(info.filename)  # noqa: PTH204  (the host's string)
        # No name here for the model of before: it would stay in memory while the next is loaded.
        model = self._loaded_now(info, modified) or self._replace(info, modified, base, loader)
        _check_kind(info, model_kinds.of_model(model.second.model), base)
        _check_channels(info, model.second.model, base)
        model.base_file = base.sd_checkpoint_info.filename
        return model

    def _loaded_now(self, info: Any, modified: float) -> ResidentModel | None:
        model = self._model
        return model if model is not None and model.is_as_loaded_now(info, modified) else None

    def _replace(self, info: Any, modified: float, base: Any, loader: Loader) -> ResidentModel:
        state_dict = _read(info, loader)
        kind = model_kinds.of_checkpoint(state_dict)
        _check_kind(info, None if kind is None else kind[0], base)
        self.release()
        self.is_loading = True
        try:
            storage = loader.storage()
            second = loader.load(info, state_dict, base)
            model = self._model = ResidentModel(info, second, modified, loader, storage)
        finally:
            self.is_loading = False
        log.info("the refiner %s is resident", info.title)
        return model


RESIDENCE = Residence()
"""The webui keeps its active model in a global too, and there is one of it for a process."""


def _read(info: Any, loader: Loader) -> Mapping[str, Any]:
    try:
        return loader.read(info)
    except Exception as error:  # whatever the file makes the host's readers raise
        raise RequestError(
            f'refiner: the file "{info.filename}" cannot be read as a checkpoint ({error}); '
            + checkpoints.allowed(sd_models.checkpoint_tiles())
        ) from error


def _check_kind(info: Any, kind: str | None, base: Any) -> None:
    if kind is None:
        raise RequestError(
            f'refiner: "{info.title}" is not a Stable Diffusion checkpoint; '
            + checkpoints.allowed(sd_models.checkpoint_tiles())
        )
    wanted = model_kinds.of_model(base)
    if kind != wanted:
        raise RequestError(
            f'refiner: "{info.title}" is a {kind} model, but the base model '
            f'"{base.sd_checkpoint_info.title}" is {wanted}; allowed: a {wanted} checkpoint.'
        )


def _check_channels(info: Any, model: Any, base: Any) -> None:
    wanted, channels = (model_kinds.unet_of(each).in_channels for each in (base, model))
    if channels != wanted:
        raise RequestError(
            f'refiner: "{info.title}" takes {channels} channels (9: an inpainting model), but the '
            f'base model "{base.sd_checkpoint_info.title}" takes {wanted}; allowed: a checkpoint '
            "of the base's kind."
        )

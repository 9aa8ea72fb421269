"""A second checkpoint kept in memory beside the webui's own, without the webui noticing.

The host is built around one active model. Its ``load_model`` replaces that model and a dozen globals;
``HostModelState`` takes them all down before and puts them back after, so the base neither moves nor
reloads (what is touched: A1111 1.6 to 1.10, ``sd_models.load_model`` and what it calls).
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from modules import devices, sd_hijack, sd_models, sd_unet, sd_vae, shared
from modules.timer import Timer

from fooocus_ext.errors import RequestError, did_you_mean
from fooocus_ext.host.machine import families
from fooocus_ext.host.refiner import weights

log = logging.getLogger("fooocus")

_MODULE_GLOBALS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (sd_vae, ("base_vae", "loaded_vae_file", "checkpoint_info")),
    (devices, ("dtype_unet", "fp8", "unet_needs_upcast")),
    (sd_unet, ("original_forward",)),
    (shared, ("parallel_processing_allowed",)),
)
_HIJACK_FIELDS = ("layers", "clip", "circular_enabled", "comments", "extra_generation_params")
_EMBEDDING_TABLES = ("ids_lookup", "word_embeddings", "skipped_embeddings")
_OPTIONS = ("sd_model_checkpoint", "sd_checkpoint_hash")
_MISSING = object()


class HostModelState:
    """The host's globals that belong to its active model, as they were at construction."""

    def __init__(self) -> None:
        data = sd_models.model_data
        self._model = data.sd_model
        self._loaded = list(data.loaded_sd_models)
        self._globals = [
            (module, name, getattr(module, name, _MISSING))
            for module, names in (*_MODULE_GLOBALS, (sd_hijack.model_hijack, _HIJACK_FIELDS))
            for name in names
        ]
        self._options = {name: shared.opts.data.get(name, _MISSING) for name in _OPTIONS}
        self._embeddings = _EmbeddingState()

    def restore(self) -> None:
        """Put every global back."""
        data = sd_models.model_data
        data.sd_model = self._model
        data.loaded_sd_models[:] = self._loaded
        for module, name, value in self._globals:
            if value is not _MISSING:
                setattr(module, name, value)
        for name, value in self._options.items():
            if value is _MISSING:
                shared.opts.data.pop(name, None)
            else:
                shared.opts.data[name] = value
        self._embeddings.restore()


class _EmbeddingState:
    """The textual inversion embeddings known to the host, which fit one model's width only."""

    def __init__(self) -> None:
        database = sd_hijack.model_hijack.embedding_db
        self._shape = getattr(database, "expected_shape", None)
        self._tables = {
            name: dict(getattr(database, name))
            for name in _EMBEDDING_TABLES
            if hasattr(database, name)
        }

    def restore(self) -> None:
        database = sd_hijack.model_hijack.embedding_db
        database.expected_shape = self._shape
        for name, table in self._tables.items():
            live = getattr(database, name)
            live.clear()
            live.update(table)


@dataclass
class ResidentModel:
    """A loaded checkpoint that is not the host's active model.

    Attributes:
        info: the host's CheckpointInfo.
        model: the host's model object, without its VAE.
        modified: the time of its file.
        base: what ``_weights_of`` tells of the base that it was last acquired for.
        caches: the host's conditioning caches of this model, so that they survive between jobs.
    """

    info: Any
    model: Any
    modified: float
    base: tuple[str, bool] | None = None
    caches: dict[str, list[Any]] = field(default_factory=dict)
    _embeddings: _EmbeddingState | None = None

    @contextmanager
    def active(self) -> Iterator[Any]:
        """Make this the model that the host's code sees; nothing is moved or loaded."""
        state = HostModelState()
        sd_models.model_data.sd_model = self.model
        if self._embeddings is not None:
            self._embeddings.restore()
        try:
            yield self.model
        finally:
            state.restore()


def find(name: str) -> Any:
    """Return the host's CheckpointInfo for a checkpoint name as users write them.

    Raises:
        RequestError: no such checkpoint; names the nearest and all that exist.
    """
    info = sd_models.get_closet_checkpoint_match(name)
    if info is not None and os.path.isfile(info.filename):  # noqa: PTH113  (the host's string)
        return info
    titles = [
        other.title
        for other in sd_models.checkpoints_list.values()
        if os.path.isfile(other.filename)  # noqa: PTH113
    ]
    raise RequestError(
        f'refiner: there is no checkpoint "{name}"{did_you_mean(name, titles)}; allowed: "None", '
        + ", ".join(f'"{title}"' for title in titles)
        + "."
    )


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
        if title is not None:
            self._model = None
            devices.torch_gc()
            log.info("released the resident refiner %s", title)
        return title

    def release_unless_for(self, base: Any) -> None:
        """Free the resident checkpoint if it was last acquired for another base than this one.

        The webui reports a model as loaded also where nothing but its VAE changed.
        """
        if self._model is not None and self._model.base != _weights_of(base):
            self.release()

    def acquire(self, info: Any, base: Any) -> ResidentModel:
        """Return a checkpoint as a resident model, loading it beside ``base`` unless it already is.

        Raises:
            RequestError: the file is unreadable, not a checkpoint, or of another family than ``base``.
        """
        modified = os.path.getmtime(info.filename)  # noqa: PTH204  (the host's string)
        model = self._model
        if model is None or (model.info.filename, model.modified) != (info.filename, modified):
            model = self._replace(info, modified, base)
        _check_family(info, (families.of_model(model.model), False), base)
        _check_channels(info, model.model, base)
        model.base = _weights_of(base)
        return model

    def _replace(self, info: Any, modified: float, base: Any) -> ResidentModel:
        state_dict = _read(info)
        family = families.of_checkpoint(state_dict)
        _check_family(info, family, base)
        self.release()
        self.is_loading = True
        try:
            model = self._model = _load(info, state_dict, modified, base)
        finally:
            self.is_loading = False
        if family == (families.SDXL, True):
            _keep_loras_off(model.model)
        return model


RESIDENCE = Residence()
"""The webui keeps its active model in a global too, and there is one of it for a process."""


def _weights_of(base: Any) -> tuple[str, bool]:
    """Return the file of a base's weights, and whether the webui stores weights in 8 bits now."""
    return base.sd_checkpoint_info.filename, bool(getattr(devices, "fp8", False))


def _read(info: Any) -> Mapping[str, Any]:
    try:
        state_dict: Mapping[str, Any] = sd_models.get_checkpoint_state_dict(info, Timer())
    except Exception as error:  # whatever the file makes the host's readers raise
        raise RequestError(
            f'refiner: the file "{info.filename}" cannot be read as a checkpoint ({error}); '
            "allowed: " + ", ".join(f'"{title}"' for title in sd_models.checkpoint_tiles()) + "."
        ) from error
    return state_dict


def _check_family(info: Any, family: tuple[str, bool] | None, base: Any) -> None:
    if family is None:
        raise RequestError(
            f'refiner: "{info.title}" is not a Stable Diffusion checkpoint; allowed: '
            + ", ".join(f'"{title}"' for title in sd_models.checkpoint_tiles())
            + "."
        )
    wanted = families.of_model(base)
    if family[0] != wanted:
        raise RequestError(
            f'refiner: "{info.title}" is a {family[0]} model, but the base model '
            f'"{base.sd_checkpoint_info.title}" is {wanted}; allowed: a {wanted} checkpoint.'
        )


def _check_channels(info: Any, model: Any, base: Any) -> None:
    wanted = base.model.diffusion_model.in_channels
    channels = model.model.diffusion_model.in_channels
    if channels != wanted:
        raise RequestError(
            f'refiner: "{info.title}" takes {channels} channels (9: an inpainting model), but the '
            f'base model "{base.sd_checkpoint_info.title}" takes {wanted}; allowed: a checkpoint '
            "of the base's kind."
        )


def _keep_loras_off(model: Any) -> None:
    """Take away the names by which the host's Lora extension finds layers.

    It applies a LoRA to every layer whose name and shape fit. In an SDXL refiner names repeat those
    of SDXL with another meaning, so a LoRA must not reach the few whose shapes fit too.
    """
    for layer in model.modules():
        layer.__dict__.pop("network_layer_name", None)


def _load(info: Any, state_dict: Mapping[str, Any], modified: float, base: Any) -> ResidentModel:
    """Load beside the base; the base waits on the CPU if both do not fit."""
    loaded = None
    try:
        with weights.room_for(info.filename, base) as make_way:
            model, embeddings = _load_as_the_host_does(info, state_dict)
            make_way(model)
        loaded = ResidentModel(info=info, model=model, modified=modified, _embeddings=embeddings)
    except torch.cuda.OutOfMemoryError as error:
        log.warning("%s", str(error))  # a record with the error itself would keep what it refers to
    if loaded is None:  # raised out here, where nothing refers to the half-loaded model any more
        gc.collect()
        devices.torch_gc()
        raise RequestError(
            f'refiner: not enough memory to keep "{info.title}" beside the base model; allowed: '
            '"None", a smaller checkpoint, or starting the webui with --medvram.'
        )
    log.info("the refiner %s is resident", info.title)
    return loaded


def _load_as_the_host_does(info: Any, state_dict: Mapping[str, Any]) -> tuple[Any, _EmbeddingState]:
    host_state = HostModelState()
    try:
        sd_models.model_data.sd_model = None  # otherwise load_model discards the base
        sd_models.model_data.loaded_sd_models.clear()
        with sd_models.SkipWritingToConfig():
            model = sd_models.load_model(info, already_loaded_state_dict=state_dict)
        model.first_stage_model = None  # the base decodes
        return model, _EmbeddingState()
    finally:
        host_state.restore()

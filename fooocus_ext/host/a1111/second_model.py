"""A1111's way of holding a second checkpoint in memory.

The webui is built around one active model. Its ``load_model`` replaces that model and a dozen globals;
``HostModelState`` takes them all down before and puts them back after, so the base neither moves nor
reloads (what is touched: A1111 1.6 to 1.10, ``sd_models.load_model`` and what it calls).
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from modules import devices, prompt_parser, sd_hijack, sd_models, sd_unet, sd_vae, shared
from modules.timer import Timer

from fooocus_ext.errors import RequestError
from fooocus_ext.host.a1111 import weights
from fooocus_ext.host.machine import memory, model_kinds
from fooocus_ext.host.passes import second_pass_networks

if TYPE_CHECKING:
    from modules.script_callbacks import CFGDenoiserParams

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


class SecondModel:
    """A loaded checkpoint that is not the webui's active model (``resident.SecondModel``)."""

    def __init__(self, model: Any, embeddings: _EmbeddingState) -> None:
        self.model = model
        self._embeddings = embeddings

    @contextmanager
    def encoding(self, p: Any, *, is_second_pass: bool) -> Iterator[None]:
        """Make this the model with which the webui encodes a pass, with its LoRAs."""
        # The base is active while LoRAs are read: the webui matches their layers with it.
        with second_pass_networks(p) if is_second_pass else nullcontext(), self._active():
            yield

    @contextmanager
    def sampling(self, _p: Any, *, is_second_pass: bool) -> Iterator[None]:
        """Make this the model for which the webui makes an inner model; LoRAs are as they are."""
        with self._active():
            yield

    @contextmanager
    def _active(self) -> Iterator[None]:
        """Make this the model that the webui's code sees; nothing is moved or loaded."""
        state = HostModelState()
        sd_models.model_data.sd_model = self.model
        self._embeddings.restore()
        try:
            yield
        finally:
            state.restore()

    def beside(self, base: Any) -> weights.WeightPlacement:
        """Return where its weights and those of ``base`` are to be during one generation."""
        return weights.WeightPlacement(base, self.model)

    def prepare(self) -> None:
        """Apply the options that change a model's schedule, as the webui does before each sampling.

        Raises:
            RequestError: an option is set that replaces every model's UNet.
        """
        if sd_unet.current_unet is not None:
            raise RequestError(
                "refiner: the webui's setting \"SD Unet\" replaces every model's UNet; allowed with it: "
                '"None".'
            )
        apply_schedule = getattr(sd_models, "apply_alpha_schedule_override", None)
        if apply_schedule is not None:  # webui 1.6 has no such options
            apply_schedule(self.model)

    def pad(self, params: CFGDenoiserParams, p: Any) -> None:
        """Pad the shorter text with this model's empty prompt; the webui would take the base's."""
        pads_itself = getattr(shared.opts, "pad_cond_uncond_v0", False)
        if pads_itself or not getattr(shared.opts, "pad_cond_uncond", False):
            return
        short, long = sorted(
            ("text_cond", "text_uncond"), key=lambda name: int(getattr(params, name).shape[1])
        )
        missing = getattr(params, long).shape[1] - getattr(params, short).shape[1]
        if missing:
            setattr(params, short, self._padded(getattr(params, short), missing))
            p.extra_generation_params["Pad conds"] = True

    def _padded(self, text: Any, missing: int) -> Any:
        """Return a text [rows,tokens,width], or SDXL's dict of it and a vector, with more tokens."""
        tokens = text["crossattn"] if isinstance(text, dict) else text
        empty = self.model.cond_stage_model_empty_prompt  # [1,77,width]
        filler = empty.repeat((tokens.shape[0], missing // empty.shape[1], 1))
        tokens = torch.cat([tokens, filler], dim=1)
        if not isinstance(text, dict):
            return tokens
        return prompt_parser.DictWithShape({**text, "crossattn": tokens}, tokens.shape)

    def release(self) -> None:
        """Do nothing: the webui keeps nothing of it."""


def _keep_loras_off(model: Any) -> None:
    """Take away the names by which the host's Lora extension finds layers.

    It applies a LoRA to every layer whose name and shape fit. In an SDXL refiner names repeat those
    of SDXL with another meaning, so a LoRA must not reach the few whose shapes fit too.
    """
    for layer in model.modules():
        layer.__dict__.pop("network_layer_name", None)


class Loader:
    """Loads as the webui does (``resident.Loader``)."""

    def storage(self) -> Hashable:
        """Return whether the webui stores weights in 8 bits now (from 1.8 on)."""
        return bool(getattr(devices, "fp8", False))

    def read(self, info: Any) -> Mapping[str, Any]:
        """Read a checkpoint as the webui does."""
        state_dict: Mapping[str, Any] = sd_models.get_checkpoint_state_dict(info, Timer())
        return state_dict

    def load(self, info: Any, state_dict: Mapping[str, Any], base: Any) -> SecondModel:
        """Load a checkpoint beside the base; the base waits on the CPU if both do not fit.

        Raises:
            RequestError: there is not enough memory.
        """
        is_refiner = model_kinds.of_checkpoint(state_dict) == (model_kinds.SDXL, True)
        second = None
        try:
            with weights.room_for(info.filename, base) as make_way:
                second = _load_as_the_host_does(info, state_dict)
                make_way(second.model)
        except Exception as error:
            if not memory.is_out_of_memory(error):
                raise
            second = None
            # A record with the error itself would keep what it refers to.
            log.warning("%s", str(error))
        if second is None:
            # Raised out here, where nothing refers to the half-loaded model any more.
            gc.collect()
            devices.torch_gc()
            raise RequestError(
                f'refiner: not enough memory to keep "{info.title}" beside the base model; allowed: '
                '"None", a smaller checkpoint, or starting the webui with --medvram.'
            )
        if is_refiner:  # asked before: loading takes the weights out of the dict one by one
            _keep_loras_off(second.model)
        return second


def _load_as_the_host_does(info: Any, state_dict: Mapping[str, Any]) -> SecondModel:
    host_state = HostModelState()
    try:
        sd_models.model_data.sd_model = None  # otherwise load_model discards the base
        sd_models.model_data.loaded_sd_models.clear()
        with sd_models.SkipWritingToConfig():
            model = sd_models.load_model(info, already_loaded_state_dict=state_dict)
        model.first_stage_model = None  # the base decodes
        return SecondModel(model, _EmbeddingState())
    finally:
        host_state.restore()

"""Forge's engine (seen: lllyasviel's main dfdcbab)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from backend import loader, memory_management, utils
from backend.args import dynamic_args
from backend.sampling import sampling_function

from fooocus_ext.errors import RequestError


class Backend:
    """Forge's ``backend``."""

    size_number_dtype = torch.float32

    @property
    def storage(self) -> Hashable:
        """The dtype of "Diffusion in Low Bits", as it was when a base was last loaded; None: automatic."""
        dtype: Hashable = dynamic_args.get("forge_unet_storage_dtype")
        return dtype

    @property
    def loaded_models(self) -> list[Any]:
        """The live list of what the memory manager has loaded."""
        models: list[Any] = memory_management.current_loaded_models
        return models

    def sigmas(self, unet: Any) -> torch.Tensor:
        """Return the noise level of each timestep of a UNet's patcher."""
        sigmas: torch.Tensor = unet.model.predictor.sigmas
        return sigmas

    def prediction(self, unet: Any) -> str:
        """Return what the model predicts; "const" of rectified flows such as Flux."""
        return str(getattr(unet.model.predictor, "prediction_type", "unknown"))

    def sampling_prepare(self, unet: Any, x: torch.Tensor) -> None:
        """Have a UNet's patcher ready to sample latents like ``x``."""
        sampling_function.sampling_prepare(unet, x)

    def sampling_cleanup(self, unet: Any) -> None:
        """Undo `sampling_prepare`."""
        sampling_function.sampling_cleanup(unet)

    def read(self, info: Any) -> Mapping[str, Any]:
        """Read the names in a checkpoint; `load` reads the file itself."""
        if Path(info.filename).suffix != ".safetensors":
            state_dict: Mapping[str, Any] = utils.load_torch_file(info.filename)
            return state_dict
        with safetensors.safe_open(info.filename, framework="pt") as file:
            return dict.fromkeys(file.keys())

    def load(self, info: Any, _state_dict: Mapping[str, Any]) -> Any:
        """Return the host's model object of a checkpoint; no global of the host changes."""
        model = loader.forge_loader(info.filename, additional_state_dicts=[])
        if model is None:
            raise RequestError(
                f'refiner: this webui does not know the kind of model that "{info.title}" is; allowed: '
                '"None", or another checkpoint.'
            )
        model.sd_checkpoint_info = info
        model.filename = info.filename
        model.sd_model_hash = info.calculate_shorthash()
        model.extra_generation_params = {}
        model.comments = []
        return model

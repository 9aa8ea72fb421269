"""The engine of reForge and Forge Classic (seen: reForge's main 3b56b26, Classic's classic 1f95d71)."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from ldm_patched.modules import model_management
from modules import devices, sd_models
from modules.timer import Timer
from modules_forge import forge_loader, forge_sampler


class LdmPatched:
    """``ldm_patched``, with what ``modules_forge`` adds."""

    @property
    def size_number_dtype(self) -> torch.dtype:
        """The dtype in which the text encoder's side holds SDXL's size numbers."""
        dtype: torch.dtype = model_management.text_encoder_dtype()
        return dtype

    @property
    def storage(self) -> Hashable:
        """Whether it stores weights in 8 bits, which only a restart changes."""
        return bool(getattr(devices, "fp8", False))

    @property
    def loaded_models(self) -> list[Any]:
        """The live list of what the memory manager has loaded."""
        models: list[Any] = model_management.current_loaded_models
        return models

    def sigmas(self, unet: Any) -> torch.Tensor:
        """Return the noise level of each timestep of a UNet's patcher."""
        sigmas: torch.Tensor = unet.model.model_sampling.sigmas
        return sigmas

    def prediction(self, unet: Any) -> str:
        """Return what the model predicts; "flux" or "flow" of rectified flows."""
        kind = getattr(unet.model, "model_type", None)
        return str(getattr(kind, "name", "unknown")).lower()

    def sampling_prepare(self, unet: Any, x: torch.Tensor) -> None:
        """Have a UNet's patcher ready to sample latents like ``x``."""
        forge_sampler.sampling_prepare(unet, x)

    def sampling_cleanup(self, unet: Any) -> None:
        """Undo `sampling_prepare`."""
        forge_sampler.sampling_cleanup(unet)

    def read(self, info: Any) -> Mapping[str, Any]:
        """Read a checkpoint as the host does."""
        state_dict: Mapping[str, Any] = sd_models.get_checkpoint_state_dict(info, Timer())
        return state_dict

    def load(self, info: Any, state_dict: Mapping[str, Any]) -> Any:
        """Return the host's model object of a checkpoint; the host's own model stays active."""
        with _text_encoder_choice_kept():
            model = forge_loader.load_model_for_a1111(
                timer=Timer(), checkpoint_info=info, state_dict=state_dict
            )
        model.filename = info.filename
        model.first_stage_model = None
        return model


@contextmanager
def _text_encoder_choice_kept() -> Iterator[None]:
    """Keep which separate text encoder is in use: reForge's loader notes that of the model it loads."""
    sd_text_encoder = sys.modules.get("modules.sd_text_encoder")  # reForge's alone
    if sd_text_encoder is None:
        yield
        return
    names = ("current_text_encoder", "current_text_encoder_option")
    before = {name: getattr(sd_text_encoder, name, None) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(sd_text_encoder, name, value)

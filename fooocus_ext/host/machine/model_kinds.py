"""The kinds of models: a refiner must be of its base's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SDXL, SD2, SD1 = "SDXL", "SD2", "SD1.5"
OTHER = "neither SDXL nor SD"

_MARKS = (
    ("conditioner.embedders.1.model.ln_final.weight", SDXL, False),
    ("conditioner.embedders.0.model.ln_final.weight", SDXL, True),
    ("cond_stage_model.model.ln_final.weight", SD2, False),
    ("cond_stage_model.transformer.text_model.final_layer_norm.weight", SD1, False),
    ("cond_stage_model.transformer.final_layer_norm.weight", SD1, False),
)


def of_checkpoint(state_dict: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Return (kind, is an SDXL refiner) told by a checkpoint's keys; None if it is none."""
    if not any(key.startswith("model.diffusion_model.") for key in state_dict):
        return None
    return next(((kind, refiner) for mark, kind, refiner in _MARKS if mark in state_dict), None)


def of_model(model: Any) -> str:
    """Return the kind of a loaded model."""
    if getattr(model, "is_sdxl", False):
        return SDXL
    if getattr(model, "is_sd2", False):
        return SD2
    return SD1 if getattr(model, "is_sd1", True) else OTHER  # webui 1.6 to 1.8 know no other models


def unet_of(model: Any) -> Any:
    """Return the UNet of a loaded model."""
    objects = getattr(model, "forge_objects", None)  # Forge and its children
    return (model.model if objects is None else objects.unet.model).diffusion_model

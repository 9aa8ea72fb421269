"""The route that saves a preset, in the user's folder and on explicit request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext import args
from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import CFG_SCALE, LORA_WEIGHT, MAX_TEXT_LENGTH
from fooocus_ext.presets.files import PresetLibrary, save_preset
from fooocus_ext.presets.preset import LoraSlot, preset_from_settings
from fooocus_ext.presets.readers import MAX_NAME_LENGTH


class Lora(Strict):
    """One LoRA of a preset."""

    name: str = Field(..., min_length=1, max_length=MAX_NAME_LENGTH)
    weight: float = Field(1.0, ge=LORA_WEIGHT.minimum, le=LORA_WEIGHT.maximum)


class PresetToSave(Strict):
    """A preset: the extension's arguments, and what else of the page belongs to it."""

    name: str = Field(..., description="Letters, digits, space and _-+.()")
    settings: dict[str, Any] = Field(default_factory=dict, description="As in the API's one dict.")
    overwrite: StrictBool = False
    base_model: Optional[str] = Field(None, max_length=MAX_NAME_LENGTH)  # noqa: UP045  (pydantic 1)
    cfg_scale: Optional[float] = Field(None, ge=CFG_SCALE.minimum, le=CFG_SCALE.maximum)  # noqa: UP045
    loras: list[Lora] = Field(default_factory=list, max_items=20)
    prompt: str = Field("", max_length=MAX_TEXT_LENGTH)
    negative_prompt: str = Field("", max_length=MAX_TEXT_LENGTH)


def router(
    folder: Path, presets: Callable[[], PresetLibrary], changed: Callable[[], None]
) -> APIRouter:
    """Return the route, ready to be included in the host's application.

    Args:
        folder: the user's presets; made when the first is saved.
        presets: those that there are, ours among them.
        changed: called after a preset was saved.
    """
    routes = new_router()

    @routes.post("/presets", summary="Save settings as a preset of your own")
    def save(request: PresetToSave) -> dict[str, str]:
        with as_http_error():
            if not request.overwrite:
                _refuse_to_replace_ours(request.name, folder, presets())
            settings = args.Settings().replace(**request.settings)
            preset = preset_from_settings(
                request.name,
                settings,
                base_model=request.base_model,
                cfg_scale=request.cfg_scale,
                loras=tuple(LoraSlot(True, lora.name, lora.weight) for lora in request.loras),
                prompt=request.prompt,
                negative_prompt=request.negative_prompt,
            )
            path = save_preset(folder, request.name, preset, overwrite=request.overwrite)
        changed()
        return {"saved": str(path)}

    return routes


def _refuse_to_replace_ours(name: str, folder: Path, library: PresetLibrary) -> None:
    """Raise RequestError for the name of a preset that is not the user's: theirs would hide it."""
    for preset in library.presets.values():
        is_ours = preset.source is not None and not preset.source.is_relative_to(folder)
        if is_ours and preset.name.casefold() == name.strip().casefold():
            raise RequestError(
                f'preset: the extension comes with a preset "{preset.name}", which yours would replace; '
                "choose another name or overwrite it."
            )

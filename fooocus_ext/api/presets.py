"""The routes that save, rename and delete the user's own presets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext import args
from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.errors import writable
from fooocus_ext.limits import CFG_SCALE, LORA_WEIGHT, MAX_TEXT_LENGTH
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.own import delete_own, rename_own, save_own
from fooocus_ext.presets.preset import LoraSlot, preset_from_settings
from fooocus_ext.readers import MAX_NAME_LENGTH


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


class PresetToRename(Strict):
    """A preset of the user's own, and what it is to be called."""

    name: str = Field(..., max_length=MAX_NAME_LENGTH)
    new_name: str = Field(..., max_length=MAX_NAME_LENGTH)
    overwrite: StrictBool = False


def router(
    folder: Path, presets: Callable[[], PresetLibrary], changed: Callable[[], None]
) -> APIRouter:
    """Return the routes, ready to be included in the host's application.

    Args:
        folder: the user's presets; made when the first is saved.
        presets: those that there are, ours among them.
        changed: called after presets have changed.
    """
    routes = new_router()

    @routes.post("/presets", summary="Save settings as a preset of your own")
    def save(request: PresetToSave) -> dict[str, str]:
        with as_http_error():
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
            path = save_own(folder, presets(), request.name, preset, overwrite=request.overwrite)
        changed()
        return {"saved": writable(str(path))}

    @routes.post("/presets/rename", summary="Give a preset of your own another name")
    def rename(request: PresetToRename) -> dict[str, str]:
        with as_http_error():
            path = rename_own(
                folder, presets(), request.name, request.new_name, overwrite=request.overwrite
            )
        changed()
        return {"saved": writable(str(path))}

    @routes.delete("/presets/{name}", summary="Delete a preset of your own")
    def delete(name: str) -> dict[str, str]:
        with as_http_error():
            path = delete_own(folder, presets(), name)
        changed()
        return {"deleted": writable(str(path))}

    return routes

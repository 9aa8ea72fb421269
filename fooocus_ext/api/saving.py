"""The routes that write files, each on explicit request: presets, and the user's own expansion model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext import args
from fooocus_ext.api.routes import MAX_TEXT, PREFIX, Strict, as_http_error
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.files import save_preset
from fooocus_ext.presets.preset import LoraSlot, preset_from_settings
from fooocus_ext.prompting.expander.folder import NOTICE, RemoteFile, download_model
from fooocus_ext.prompting.expander.model import ExpansionModelError


@dataclass(frozen=True)
class Folders:
    """Where the routes write.

    Attributes:
        presets: the user's presets.
        expansion_model: the user's own expansion model.
        may_download: whether a model may be downloaded now, from wherever the request says.
        changed: called after something was written.
    """

    presets: Path
    expansion_model: Path
    may_download: Callable[[], bool]
    changed: Callable[[], None]


class Lora(Strict):
    """One LoRA of a preset."""

    name: str = Field(..., min_length=1, max_length=300)
    weight: float = Field(1.0, ge=-10.0, le=10.0)


class PresetToSave(Strict):
    """A preset: the extension's arguments, and what else of the page belongs to it."""

    name: str = Field(..., description="Letters, digits, space and _-+.()")
    settings: dict[str, Any] = Field(default_factory=dict, description="As in the API's one dict.")
    overwrite: StrictBool = False
    base_model: Optional[str] = Field(None, max_length=300)  # noqa: UP045  (pydantic 1)
    cfg_scale: Optional[float] = Field(None, ge=1.0, le=30.0)  # noqa: UP045
    loras: list[Lora] = Field(default_factory=list, max_items=20)
    prompt: str = Field("", max_length=MAX_TEXT)
    negative_prompt: str = Field("", max_length=MAX_TEXT)


class FileToFetch(Strict):
    """One file of a model, by its name and the SHA-256 of its content."""

    name: str = Field(..., max_length=100)
    sha256: str = Field(..., max_length=64)


class ModelToFetch(Strict):
    """A model folder to download, on your word that you may use it."""

    base_url: str = Field(..., max_length=2000)
    files: list[FileToFetch] = Field(..., min_items=1, max_items=20)
    accept_notice: StrictBool = Field(False, description=NOTICE)


@dataclass
class Progress:
    """How far a download has come; ``bytes_total`` is None where the server does not say."""

    running: bool = False
    file: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    error: str = ""

    def report(self, file: str, done: int, total: int | None) -> None:
        """Note how much of which file is there."""
        self.file, self.bytes_done, self.bytes_total = file, done, total


class Downloader:
    """Downloads a model folder, one at a time, and knows how far it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self.progress = Progress()

    def fetch(self, request: ModelToFetch) -> None:
        """Download what is asked for. Raises RequestError for whatever goes wrong."""
        if not self._turn.acquire(blocking=False):
            raise RequestError("expansion-model: a download is running; wait for its end.")
        self.progress = Progress(running=True)
        try:
            download_model(
                request.base_url,
                [RemoteFile(file.name, file.sha256) for file in request.files],
                self._folder,
                accept_notice=request.accept_notice,
                progress=self.progress.report,
            )
        except ExpansionModelError as error:
            self.progress.error = str(error)
            raise RequestError(f"expansion-model: {error}") from error
        finally:
            self.progress.running = False
            self._turn.release()


def router(folders: Folders) -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = APIRouter(prefix=PREFIX, tags=["Fooocus"])

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
            path = save_preset(folders.presets, request.name, preset, overwrite=request.overwrite)
        folders.changed()
        return {"saved": str(path)}

    _add_expansion_model(routes, folders)
    return routes


def _add_expansion_model(routes: APIRouter, folders: Folders) -> None:
    downloader = Downloader(folders.expansion_model)

    @routes.get("/expansion-model", summary="The notice of Fooocus's model; a download's progress")
    def status() -> dict[str, Any]:
        folder = str(folders.expansion_model)
        return {"notice": NOTICE, "folder": folder, **asdict(downloader.progress)}

    @routes.post("/expansion-model", summary="Download a model folder, checked by SHA-256")
    def fetch(request: ModelToFetch) -> dict[str, str]:
        with as_http_error():
            if not folders.may_download():
                raise RequestError(
                    "expansion-model: this webui can be reached from outside (--listen, --share or "
                    "--server-name) and downloads nothing on request; allowed: copying the model's "
                    f'files to "{folders.expansion_model}", or starting the webui with '
                    "--enable-insecure-extension-access."
                )
            downloader.fetch(request)
        folders.changed()
        return {"saved": str(folders.expansion_model)}

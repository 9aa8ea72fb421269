"""The routes that download the user's own expansion model, on explicit request, and tell how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.downloads.orders import Download
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expansion_folder import DOWNLOAD, NOTICE, model_order

_RUNNING = "expansion-model: a download is running; wait for its end."


class FileToFetch(Strict):
    """One file of a model, by its name and the SHA-256 of its content."""

    name: str = Field(..., max_length=100)
    sha256: str = Field(..., max_length=64)


class ModelToFetch(Strict):
    """A model folder to download, on your word that you may use it."""

    base_url: str = Field(..., max_length=2000)
    files: list[FileToFetch] = Field(..., min_items=1, max_items=20)
    accept_notice: StrictBool = Field(False, description=NOTICE)


@dataclass(frozen=True)
class Progress:
    """How far a download has come; ``bytes_total`` is None where the server does not say."""

    running: bool = False
    file: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    error: str = ""


def router(folder: Path, downloads: Downloads, refusal: Callable[[], str]) -> APIRouter:
    """Return the routes, ready to be included in the host's application.

    Args:
        folder: where the model is downloaded to.
        downloads: what downloads.
        refusal: why nothing may be downloaded now; empty if it may, from wherever the request says.
    """
    routes = new_router()

    @routes.get("/expansion-model", summary="The notice of Fooocus's model; a download's progress")
    def status() -> dict[str, Any]:
        progress = _progress(downloads.find(DOWNLOAD))
        return {"notice": NOTICE, "folder": str(folder), **asdict(progress)}

    @routes.post("/expansion-model", summary="Download a model folder, checked by SHA-256")
    def fetch(request: ModelToFetch) -> dict[str, str]:
        with as_http_error():
            if refusal():
                raise RequestError(
                    f"expansion-model: {refusal()}; allowed: copying the model's files to "
                    f'"{folder}", or starting the webui with --enable-insecure-extension-access.'
                )
            _fetch(request, folder, downloads)
        return {"saved": str(folder)}

    @routes.delete("/expansion-model", summary="Cancel the download that is running")
    def cancel() -> dict[str, bool]:
        return {"cancelled": downloads.pause(DOWNLOAD)}

    return routes


def _progress(download: Download | None) -> Progress:
    if download is None:
        return Progress()
    return Progress(
        running=download.is_on,
        file=download.file,
        bytes_done=download.bytes_done,
        bytes_total=download.bytes_total,
        error=download.error,
    )


def _fetch(request: ModelToFetch, folder: Path, downloads: Downloads) -> None:
    """Download what is asked for, and wait for its end. Raises RequestError for whatever goes wrong."""
    known = downloads.find(DOWNLOAD)
    if known is not None and known.is_on:
        raise RequestError(_RUNNING)
    order = model_order(
        request.base_url,
        [(file.name, file.sha256) for file in request.files],
        folder,
        accept_notice=request.accept_notice,
    )
    download = downloads.add(order)
    if download.order is not order:  # another request was faster
        raise RequestError(_RUNNING)
    download.ended.wait()
    if download.state != "done":
        raise RequestError(f"expansion-model: {download.error}")

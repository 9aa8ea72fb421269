"""The routes that download the user's own expansion model, on explicit request, and tell how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.downloads import RemoteFile
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expander.folder import NOTICE, download_model
from fooocus_ext.prompting.expander.reading import ExpansionModelError


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
        self._cancelled = threading.Event()
        self.progress = Progress()

    def fetch(self, request: ModelToFetch) -> None:
        """Download what is asked for. Raises RequestError for whatever goes wrong."""
        if not self._turn.acquire(blocking=False):
            raise RequestError("expansion-model: a download is running; wait for its end.")
        self._cancelled.clear()
        self.progress = Progress(running=True)
        try:
            download_model(
                request.base_url,
                [RemoteFile(file.name, file.sha256) for file in request.files],
                self._folder,
                accept_notice=request.accept_notice,
                progress=self.progress.report,
                is_cancelled=self._cancelled.is_set,
            )
        except ExpansionModelError as error:
            self.progress.error = str(error)
            raise RequestError(f"expansion-model: {error}") from error
        finally:
            self.progress.running = False
            self._turn.release()

    def cancel(self) -> bool:
        """Have the running download end; returns whether there was one."""
        self._cancelled.set()
        return self.progress.running


def router(
    folder: Path, may_download: Callable[[], bool], changed: Callable[[], None]
) -> APIRouter:
    """Return the routes, ready to be included in the host's application.

    Args:
        folder: where the model is downloaded to.
        may_download: whether a model may be downloaded now, from wherever the request says.
        changed: called after a model was downloaded.
    """
    routes = new_router()
    downloader = Downloader(folder)

    @routes.get("/expansion-model", summary="The notice of Fooocus's model; a download's progress")
    def status() -> dict[str, Any]:
        return {"notice": NOTICE, "folder": str(folder), **asdict(downloader.progress)}

    @routes.post("/expansion-model", summary="Download a model folder, checked by SHA-256")
    def fetch(request: ModelToFetch) -> dict[str, str]:
        with as_http_error():
            if not may_download():
                raise RequestError(
                    "expansion-model: this webui can be reached from outside (--listen, --share or "
                    "--server-name) and downloads nothing on request; allowed: copying the model's "
                    f'files to "{folder}", or starting the webui with '
                    "--enable-insecure-extension-access."
                )
            downloader.fetch(request)
        changed()
        return {"saved": str(folder)}

    @routes.delete("/expansion-model", summary="Cancel the download that is running")
    def cancel() -> dict[str, bool]:
        return {"cancelled": downloader.cancel()}

    return routes

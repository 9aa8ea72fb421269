"""The routes that download model files by consent, and tell how far each of them is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import Field, StrictBool

from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.downloads.connection import look
from fooocus_ext.downloads.files import DownloadError
from fooocus_ext.downloads.orders import Download, Order
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.downloads.sources import Sources
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.file_names import AvailableFiles
from fooocus_ext.presets.offers import is_installed
from fooocus_ext.presets.published import Kind, Published

CONSENT = "That you have seen the file's size, host and licence, and want it."


class FileToDownload(Strict):
    """A file that ``GET /downloads`` offers."""

    file: str = Field(..., max_length=300)
    accept_licence: StrictBool = Field(False, description=CONSENT)


class FileNamed(Strict):
    """A file that ``GET /downloads`` lists."""

    file: str = Field(..., max_length=300)


@dataclass(frozen=True)
class ModelFiles:
    """What the routes need from the host.

    Attributes:
        offers: what can be downloaded, by file name.
        installed: what there is of each kind, as the host names it.
        folders: where each kind belongs.
        sources: where files may come from.
        refusal: why nothing may be downloaded now; empty if it may.
    """

    offers: Callable[[], Mapping[str, Published]]
    installed: Callable[[], Mapping[Kind, Sequence[str]]]
    folders: Callable[[], Mapping[Kind, Path]]
    sources: Callable[[], Sources]
    refusal: Callable[[], str]


def router(models: ModelFiles, downloads: Downloads) -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = new_router()

    @routes.get(
        "/downloads", summary="Model files that can be downloaded, and how far downloads are"
    )
    def listing() -> dict[str, Any]:
        here = _Here(models.installed(), models.folders(), models.sources())
        return {
            "refusal": models.refusal(),
            "files": [_offered(each, here) for each in models.offers().values()],
            "downloads": [_progress(each) for each in downloads.all()],
        }

    @routes.get("/downloads/progress", summary="How far downloads are")
    def progress() -> list[dict[str, Any]]:
        return [_progress(each) for each in downloads.all()]

    @routes.post("/downloads/size", summary="Ask a file's host how large it is")
    def size(request: FileNamed) -> dict[str, Any]:
        with as_http_error():
            offer = _find(request.file, models)
            return {"file": offer.file.name, "bytes": _size(offer, models)}

    @routes.post("/downloads", summary="Download a model file, after its licence was accepted")
    def start(request: FileToDownload) -> dict[str, Any]:
        with as_http_error():
            offer = _find(request.file, models)
            if not request.accept_licence:
                terms = f"{offer.licence or 'its terms'} ({offer.licence_url})"
                raise RequestError(f"accept_licence: must be true to download under {terms}.")
            return _progress(downloads.add(_order(offer, models)))

    @routes.post("/downloads/pause", summary="Stop a download for now")
    def pause(request: FileNamed) -> dict[str, bool]:
        return {"paused": downloads.pause(_key(request.file, downloads))}

    @routes.post("/downloads/resume", summary="Go on with a download")
    def resume(request: FileNamed) -> dict[str, bool]:
        with as_http_error():
            _refuse(models)
            return {"resumed": downloads.resume(_key(request.file, downloads))}

    @routes.post("/downloads/remove", summary="Drop a download and what came of it")
    def remove(request: FileNamed) -> dict[str, bool]:
        return {"removed": downloads.remove(_key(request.file, downloads))}

    return routes


def _find(name: str, models: ModelFiles) -> Published:
    """Return what is offered under a name. Raises RequestError if nothing is, or nothing may be had."""
    _refuse(models)
    known = models.offers()
    if name not in known:
        raise RequestError(
            f'file: "{name[:100]}" is not among the files that can be downloaded'
            f"{AvailableFiles(known).did_you_mean(name)}; GET /fooocus/v1/downloads lists them."
        )
    return known[name]


def _refuse(models: ModelFiles) -> None:
    refusal = models.refusal()
    if refusal:
        raise RequestError(
            f"downloads: {refusal}; allowed: copying files to the webui's folders, or starting it with "
            "--enable-insecure-extension-access."
        )


def _size(offer: Published, models: ModelFiles) -> int | None:
    if offer.file.size is not None:
        return offer.file.size
    try:
        return look(offer.file.url, models.sources())[0]
    except DownloadError as error:
        raise RequestError(f"file: {error}") from error


def _order(offer: Published, models: ModelFiles) -> Order:
    return Order(
        key=f"{offer.kind}/{offer.file.name}",
        kind=offer.kind,
        files=(offer.file,),
        folder=models.folders()[offer.kind],
        sources=models.sources,
    )


def _key(name: str, downloads: Downloads) -> str:
    """Return the key of the download that a file's name means."""
    return next((each.order.key for each in downloads.all() if _name(each) == name), name)


def _name(download: Download) -> str:
    files = download.order.files
    return files[0].name if len(files) == 1 else download.order.key


@dataclass(frozen=True)
class _Here:
    """What ``ModelFiles`` has said, asked once for all files of a list."""

    installed: Mapping[Kind, Sequence[str]]
    folders: Mapping[Kind, Path]
    sources: Sources


def _offered(offer: Published, here: _Here) -> dict[str, Any]:
    folder = here.folders[offer.kind]
    return {
        "file": offer.file.name,
        "kind": offer.kind,
        "bytes": offer.file.size,
        "licence": offer.licence,
        "licence_url": offer.licence_url,
        "url": offer.file.url,
        "host": urlsplit(here.sources.address(offer.file.url)).hostname,
        "folder": str(folder),
        "bytes_free": _free(folder),
        "is_checked": bool(offer.file.sha256),
        "is_installed": is_installed(offer, here.installed),
    }


def _free(folder: Path) -> int | None:
    """Return how many bytes are free where a folder is or will be; None if that cannot be told."""
    place = next((each for each in (folder, *folder.parents) if each.is_dir()), None)
    try:
        return shutil.disk_usage(place).free if place else None
    except OSError:
        return None


def _progress(download: Download) -> dict[str, Any]:
    return {
        "file": _name(download),
        "kind": download.order.kind,
        "state": download.state,
        "bytes_done": download.bytes_done,
        "bytes_total": download.bytes_total,
        "bytes_per_second": download.speed,
        "seconds_left": download.seconds_left,
        "error": download.error if download.state == "failed" else "",
    }

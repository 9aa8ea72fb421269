"""Where the tab's pictures and their log are kept, and how the page reaches the log."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from modules import paths, shared

from fooocus_ext import image_log
from fooocus_ext.errors import RequestError
from fooocus_ext.host.http.authentication import page_login
from fooocus_ext.host.http.gate import add_routes
from fooocus_ext.markup import render
from fooocus_ext.tab.choices import Choices

LOG_PATH = "/fooocus/v1/log"
LEAST_FREE_BYTES = 64 * 1024 * 1024
"""What must be free on the disk of the pictures before a job begins."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FILE = re.compile(r"[\w-]{1,100}\.(html|png|jpg|webp)", re.ASCII)
"""The names that the log gives; a disk may refuse to look for a longer one."""
_POLICY_IN_PAGE = re.compile(
    r'<meta http-equiv="Content-Security-Policy" content="([\w\s:;/+=\'-]+)">', re.ASCII
)
_HEAD = 1000
"""Characters of a page within which its policy stands, before anything that it shows."""
_NO_SCRIPT = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
_SEEN_BY_THIS_PAGE_ONLY = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def root() -> Path:
    """Return the folder of the daily folders."""
    chosen = getattr(shared.cmd_opts, "fooocus_outputs", None)
    return (Path(chosen) if chosen else Path(paths.data_path) / "outputs" / "fooocus").resolve()


def refuse_without_room(choices: Choices) -> None:
    """Refuse a job whose pictures could not be stored, before any time is spent on them.

    Raises:
        RequestError: names the folder and the reason.
    """
    if choices.private:
        return
    folder = root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"room for a picture")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise RequestError(unstorable(error)) from error
    if free < LEAST_FREE_BYTES:
        raise RequestError(unstorable(f"only {free >> 20} MiB of the disk are free"))


def unstorable(reason: OSError | str) -> str:
    """Return a sentence about pictures that cannot be stored."""
    if isinstance(reason, OSError):
        reason = reason.strerror or str(reason)
    return (
        f"Pictures cannot be saved in {root()}: {reason}. Make room there, start the webui with "
        "--fooocus-outputs and another folder, or tick Private to save none."
    )


def register(_demo: Any, app: FastAPI) -> None:
    """Add the log's pages and pictures to the webui's server, for whoever may see its page."""
    routes = APIRouter(prefix=LOG_PATH, include_in_schema=False)
    routes.get("/")(newest)
    routes.get("/{day}/{name}")(stored_file)
    add_routes(app, routes, page_login(app))


def newest() -> Response:
    """Lead to the page of the last day that has pictures."""
    message = "There are no pictures yet."
    try:
        page = image_log.newest_page(root())
    except OSError as error:
        page, message = None, f"The folder {root()} cannot be read: {error.strerror or error}."
    if page is None:
        notice = render("notice.html", kind="note", messages=[message])
        return HTMLResponse(notice, headers=_headers(_NO_SCRIPT))
    return RedirectResponse(f"{page.parent.name}/{page.name}")


def stored_file(day: str, name: str) -> Response:
    """Answer with a page or a picture of the log, and with nothing else."""
    path = root() / day / name
    head = _head_of(path) if _DAY.fullmatch(day) and _FILE.fullmatch(name) else None
    if head is None:
        raise HTTPException(status_code=404, detail="There is no such file in the log.")
    policy = _policy_of_page(head) if path.suffix == ".html" else f"{_NO_SCRIPT}; sandbox"
    return FileResponse(path, headers=_headers(policy))


def _headers(policy: str) -> dict[str, str]:
    """Return the headers of an answer that may load and run what ``policy`` says."""
    framed = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    return {**_SEEN_BY_THIS_PAGE_ONLY, "Content-Security-Policy": f"{policy}; {framed}"}


def _head_of(path: Path) -> str | None:
    """Return the beginning of a file; None if there is none, or none that may be read."""
    try:
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as stream:
                return stream.read(_HEAD)
    except OSError:
        pass
    return None


def _policy_of_page(head: str) -> str:
    """Return the content security policy that a page of the log names for itself.

    It holds the hashes of that page's own script and style, whichever version of the extension has
    written it. What the page shows comes behind it, so none of that can be taken for it. A page from
    before there were policies runs no script.
    """
    found = _POLICY_IN_PAGE.search(head)
    return found[1] if found else _NO_SCRIPT

"""Where the tab's pictures and their log are kept, and how the page reaches the log."""

from __future__ import annotations

import datetime
import logging
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from modules import paths, shared

from fooocus_ext import image_log
from fooocus_ext.host.http.authentication import is_logged_in
from fooocus_ext.host.http.gate import add_routes
from fooocus_ext.host.jobs.outputs import Output, Picture
from fooocus_ext.markup import render
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.record import settings_used

log = logging.getLogger("fooocus")

LOG_PATH = "/fooocus/v1/log"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FILE = re.compile(r"[\w-]+\.(html|png|jpg|webp)")
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


def output_for(choices: Choices, base_model: str) -> Output:
    """Return where the pictures of a request go: to disk and into the log, or nowhere."""
    if choices.private:
        return Output(None)

    def write_log(picture: Picture) -> None:
        assert picture.file is not None  # noqa: S101  (told of stored pictures only)
        settings = settings_used(
            choices,
            base_model=base_model,
            seed=picture.seed,
            steps=picture.steps,
            size=picture.size,
            full_prompt=picture.full_prompt,
            full_negative_prompt=picture.full_negative_prompt,
            expansion=picture.expansion,
        )
        time = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        try:
            image_log.append(picture.file.parent, picture.file.name, time, settings.to_json())
        except OSError:
            log.exception("%s could not be entered into the log", picture.file)

    return Output(root(), choices.output_format, write_log)


def register(_demo: Any, app: FastAPI) -> None:
    """Add the log's pages and pictures to the webui's server, for whoever may see its page."""

    def logged_in(request: Request) -> None:
        if not is_logged_in(app, request):
            raise HTTPException(status_code=401, detail="Log in on the webui's page first.")

    routes = APIRouter(prefix=LOG_PATH, dependencies=[Depends(logged_in)], include_in_schema=False)
    routes.get("/")(newest)
    routes.get("/{day}/{name}")(stored_file)
    add_routes(app, routes)


def newest() -> Response:
    """Lead to the page of the last day that has pictures."""
    page = image_log.newest_page(root())
    if page is None:
        message = "There are no pictures yet."
        notice = render("notice.html", kind="note", messages=[message])
        return HTMLResponse(notice, headers=_headers(_NO_SCRIPT))
    return RedirectResponse(f"{page.parent.name}/{page.name}")


def stored_file(day: str, name: str) -> Response:
    """Answer with a page or a picture of the log, and with nothing else."""
    path = root() / day / name
    if not _DAY.fullmatch(day) or not _FILE.fullmatch(name) or not path.is_file():
        raise HTTPException(status_code=404, detail="There is no such file in the log.")
    policy = _policy_of_page(path) if path.suffix == ".html" else f"{_NO_SCRIPT}; sandbox"
    return FileResponse(path, headers=_headers(policy))


def _headers(policy: str) -> dict[str, str]:
    """Return the headers of an answer that may load and run what ``policy`` says."""
    framed = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    return {**_SEEN_BY_THIS_PAGE_ONLY, "Content-Security-Policy": f"{policy}; {framed}"}


def _policy_of_page(path: Path) -> str:
    """Return the content security policy that a page of the log names for itself.

    It holds the hashes of that page's own script and style, whichever version of the extension has
    written it. What the page shows comes behind it, so none of that can be taken for it. A page from
    before there were policies runs no script.
    """
    with path.open(encoding="utf-8", errors="replace") as page:
        found = _POLICY_IN_PAGE.search(page.read(_HEAD))
    return found[1] if found else _NO_SCRIPT

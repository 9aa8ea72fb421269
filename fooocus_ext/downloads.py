"""Files fetched from an address into a folder: checked by their sums, all of them or none, and resumable."""

from __future__ import annotations

import hashlib
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

log = logging.getLogger("fooocus")

MAX_FILE_BYTES = 2 * 1024**3
MAX_SECONDS = 2 * 60 * 60.0
"""A download of several files may not take longer in all; it can be gone on with."""
PART = ".part"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCHEMES = ("http", "https")
_BLOCK = 1 << 20
_TIMEOUT = 30.0
_HTTP_PARTIAL, _HTTP_RANGE_REFUSED = 206, 416

Progress = Callable[[str, int, int | None], None]


class DownloadError(Exception):
    """A file did not come, or is not what it should be; the message is one line and names it."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: a plain file name, also its place below the base address.
        sha256: of its content, in hexadecimal.
    """

    name: str
    sha256: str

    @property
    def has_a_sum(self) -> bool:
        """Whether the checksum is one."""
        return _SHA256.fullmatch(self.sha256.lower()) is not None


def is_web_address(text: str) -> bool:
    """Whether a text is an address that files may come from: http or https."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.netloc)


def download(
    base_url: str,
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> None:
    """Fetch files into ``folder``; they take their names together, once all of them are there.

    What breaks off goes on where it stopped, if the server can do that. A file that is there already
    and has the right sum is not fetched again.

    Args:
        base_url: see ``is_web_address``; the names are appended.
        files: what to fetch; names and sums are the caller's to check.
        folder: where to put them; made if needed.
        progress: called with the name, the bytes so far and the bytes in all (None if unknown).
        is_cancelled: asked again and again whether to stop.

    Raises:
        DownloadError: a file could not be fetched or put in its place, is larger than
            ``MAX_FILE_BYTES`` or not what its sum says; or time was up, or it was cancelled. The
            message does not say whether and how a server answered: that is in the program's log.
    """
    end = time.monotonic() + MAX_SECONDS

    def go_on() -> None:
        if is_cancelled is not None and is_cancelled():
            raise DownloadError("The download was cancelled; started again, it goes on from there.")
        if time.monotonic() > end:
            raise DownloadError(f"The download took longer than {MAX_SECONDS / 3600:g} hours.")

    fetching = _Fetching(progress or _silent, go_on)
    try:
        _make_place(folder, files)
        fetched = [
            (part, folder / file.name)
            for file in files
            if (part := fetching.fetch(f"{base_url.rstrip('/')}/{quote(file.name)}", file, folder))
        ]
        for part, target in fetched:
            part.replace(target)
    except OSError as error:
        raise DownloadError(f"{folder} cannot be written: {error.strerror}") from error


def _silent(name: str, done: int, total: int | None) -> None:
    """Report nothing."""


def _make_place(folder: Path, files: Sequence[RemoteFile]) -> None:
    """Make the folder, and see that each file can take its place there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        for path in (folder / file.name, folder / f"{file.name}{PART}"):
            if path.is_symlink() and path.name.endswith(PART):
                path.unlink()  # writing would go where it leads
            elif path.exists() and not path.is_file():
                raise DownloadError(f"{path} is in the way: it is no file")


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows a server to other http and https addresses, and to nothing else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not is_web_address(newurl):
            raise urllib.error.URLError("it redirects to another protocol")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens addresses: without the handlers of ftp, files and data that come by default."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _HttpOnly(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass(frozen=True)
class _Fetching:
    """One download of several files."""

    progress: Progress
    go_on: Callable[[], None]

    def fetch(self, url: str, file: RemoteFile, folder: Path) -> Path | None:
        """Return where the file is, whole and checked; None if it has its place already."""
        target, part = folder / file.name, folder / f"{file.name}{PART}"
        if self._is_it(target, file):
            self.progress(file.name, target.stat().st_size, target.stat().st_size)
            return None
        if self._is_it(part, file):
            return part
        try:
            self._transfer(url, part, file.name)
        except (HTTPException, OSError, ValueError) as error:
            log.warning("%s from %s: %s", file.name, url, error)
            raise DownloadError(
                f"{file.name} could not be downloaded: the address does not give it, or the connection "
                "broke off; the webui's log says more"
            ) from error
        if not self._is_it(part, file):
            part.unlink()
            raise DownloadError(f"{file.name} was downloaded, but its checksum is wrong")
        return part

    def _is_it(self, path: Path, file: RemoteFile) -> bool:
        if not path.is_file():
            return False
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                self.go_on()
                digest.update(block)
        return digest.hexdigest() == file.sha256.lower()

    def _transfer(self, url: str, part: Path, name: str) -> None:
        have = part.stat().st_size if part.is_file() else 0
        headers = {
            "User-Agent": "sd-webui-fooocus",
            **({"Range": f"bytes={have}-"} if have else {}),
        }
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - see is_web_address
        self.go_on()
        try:
            response = _opener().open(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code == _HTTP_RANGE_REFUSED and have:
                return  # all of it is here already; the checksum decides
            raise
        with response:
            if response.status != _HTTP_PARTIAL:
                have = 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else None
            _check_size(part, name, total or 0)
            with part.open("ab" if have else "wb") as stream:
                while block := response.read1(_BLOCK):  # at once, however slowly the rest comes
                    self.go_on()
                    have += len(block)
                    _check_size(part, name, have)  # whatever the server stated
                    stream.write(block)
                    self.progress(name, have, total)
        if total is not None and have < total:
            raise OSError(f"the connection broke off after {have} of {total} bytes")


def _check_size(part: Path, name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        part.unlink(missing_ok=True)
        raise DownloadError(
            f"files: {name} has {size} bytes or more, allowed are up to {MAX_FILE_BYTES}"
        )

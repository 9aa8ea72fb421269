"""Finding the user's own expansion model, and downloading one when asked to.

Fooocus's model is free for non-commercial use outside Fooocus; this extension neither ships it nor names
a place to get it from. A user who has the right to use it puts its folder where ``find_expansion_folder``
looks, or confirms an address and the notice below.
"""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote, urlsplit

from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expander.model_files import ExpansionModelError

MODELS_SUBFOLDER = Path("prompt_expansion") / "fooocus_expansion"
NOTICE = (
    "Fooocus's expansion model, its word list and its vocabulary may be used outside Fooocus for "
    "non-commercial purposes only. Download it only if you accept that, and only from a place you trust."
)
MAX_FILE_BYTES = 2 * 1024**3
"""A downloaded file may not be larger; a GPT-2 of middle size in full precision takes 1.5 GB."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = ".part"
_BLOCK = 1 << 20
_TIMEOUT = 30.0
_HTTP_PARTIAL, _HTTP_RANGE_REFUSED = 206, 416

Progress = Callable[[str, int, int | None], None]
FolderState = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: a plain file name, also its place below the base address.
        sha256: of its content, in hexadecimal.
    """

    name: str
    sha256: str


def find_expansion_folder(explicit: Path | None, models_path: Path) -> Path | None:
    """Return the folder of the user's own model, or None if there is none.

    Nothing is read yet: loading the folder says what is wrong with it.

    Args:
        explicit: what was given with ``--fooocus-expansion-dir``.
        models_path: the webui's ``models`` folder.
    """
    if explicit is not None:
        return explicit
    folder = models_path / MODELS_SUBFOLDER
    return folder if folder_state(folder) else None


def folder_state(folder: Path) -> FolderState:
    """Return the names, sizes and times of a folder's files, which differ once it was changed.

    Files that are being downloaded do not count; without any other the state is empty.
    """
    try:
        whole = [path for path in sorted(folder.iterdir()) if not path.name.endswith(_PART)]
    except OSError:
        return ()
    return tuple(_state_of(path) for path in whole)


def _state_of(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:  # a link that leads nowhere
        return path.name, -1, 0
    return path.name, stat.st_size, stat.st_mtime_ns


def download_model(
    base_url: str,
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    accept_notice: bool,
    progress: Progress | None = None,
) -> None:
    """Download the files of a model into ``folder``, each checked before it takes its name.

    A download that broke off goes on where it stopped, if the server can do that. A file that is there
    already and has the right checksum is not fetched again.

    Args:
        base_url: address of the folder, ``http`` or ``https``; the names are appended.
        files: what to fetch.
        folder: where to put it; made if needed.
        accept_notice: that the user was shown ``NOTICE`` and accepts it.
        progress: called with the name, the bytes so far and the bytes in all (None if unknown).

    Raises:
        RequestError: the notice was not accepted, or an address, name or checksum is malformed.
        ExpansionModelError: a file could not be fetched, is larger than ``MAX_FILE_BYTES``, or is not
            what the checksum says.
    """
    if not accept_notice:
        raise RequestError(f"accept_notice is false, it must be true to download. {NOTICE}")
    if not _is_web_address(base_url):
        raise RequestError(f'base_url is "{base_url}", allowed is an http or https address')
    for file in files:
        _check(file)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        _fetch(f"{base_url.rstrip('/')}/{quote(file.name)}", file, folder, progress or _silent)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _check(file: RemoteFile) -> None:
    if not _FILE_NAME.fullmatch(file.name) or file.name.endswith(_PART):
        raise RequestError(f'files: the name "{file.name}" is not a plain file name')
    if not _SHA256.fullmatch(file.sha256.lower()):
        raise RequestError(f"files: sha256 of {file.name} is not 64 hexadecimal digits")


def _silent(name: str, done: int, total: int | None) -> None:
    """Report nothing."""


def _fetch(url: str, file: RemoteFile, folder: Path, progress: Progress) -> None:
    target, part = folder / file.name, folder / f"{file.name}{_PART}"
    if target.is_file() and _sha256(target) == file.sha256.lower():
        progress(file.name, target.stat().st_size, target.stat().st_size)
        return
    try:
        _transfer(url, part, file.name, progress)
    except (HTTPException, OSError, ValueError) as error:
        reason = error.reason if type(error) is urllib.error.URLError else error
        raise ExpansionModelError(f"{file.name} could not be downloaded: {reason}") from error
    except ExpansionModelError:  # too large
        part.unlink(missing_ok=True)
        raise
    if _sha256(part) != file.sha256.lower():
        part.unlink()
        raise ExpansionModelError(f"{file.name} was downloaded, but its checksum is wrong")
    part.replace(target)


def _transfer(url: str, part: Path, name: str, progress: Progress) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "sd-webui-fooocus", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http and https alone get here
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == _HTTP_RANGE_REFUSED and have:
            return  # all of it is here already; the checksum decides
        raise
    with response:
        if response.status != _HTTP_PARTIAL:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _check_size(name, total or 0)
        with part.open("ab" if have else "wb") as file:
            while block := response.read(_BLOCK):
                have += len(block)
                _check_size(name, have)  # whatever the server stated
                file.write(block)
                progress(name, have, total)
    if total is not None and have < total:
        raise OSError(f"the connection broke off after {have} of {total} bytes")


def _check_size(name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ExpansionModelError(
            f"files: {name} has {size} bytes or more, allowed are up to {MAX_FILE_BYTES}"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

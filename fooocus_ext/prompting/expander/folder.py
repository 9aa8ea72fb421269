"""Finding the user's own expansion model, and downloading one when asked to.

Fooocus's model is free for non-commercial use outside Fooocus; this extension neither ships it nor names
a place to get it from. A user who has the right to use it puts its folder where ``find_expansion_folder``
looks, or confirms an address and the notice below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from fooocus_ext.downloads import (
    PART,
    DownloadError,
    Progress,
    RemoteFile,
    download,
    is_web_address,
)
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expander.reading import ExpansionModelError

MODELS_SUBFOLDER = Path("prompt_expansion") / "fooocus_expansion"
NOTICE = (
    "Fooocus's expansion model, its word list and its vocabulary may be used outside Fooocus for "
    "non-commercial purposes only. Download it only if you accept that, and only from a place you trust."
)
WITHOUT_PICKLES = {
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"),
    *("positive.txt", "words.txt", "phrases.txt", "facets.txt", "model.safetensors"),
}
"""The files that may be downloaded: those that a model is read from, none of which can hold code."""
PICKLED = "pytorch_model.bin"
_SAFE_PICKLES = (2, 6)
"""From this version of torch on, reading weights alone runs no code of the file (CVE-2025-32434)."""

FolderState = tuple[tuple[str, int, int], ...]


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
        whole = [path for path in sorted(folder.iterdir()) if not path.name.endswith(PART)]
    except OSError:
        return ()
    return tuple(_state_of(path) for path in whole)


def _state_of(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:  # a link that leads nowhere
        return path.name, -1, 0
    return path.name, stat.st_size, stat.st_mtime_ns


def downloadable_names() -> set[str]:
    """Return the names of the files that may be downloaded with this machine's torch."""
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    return WITHOUT_PICKLES | ({PICKLED} if version >= _SAFE_PICKLES else set())


def download_model(
    base_url: str,
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    accept_notice: bool,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> None:
    """Download the files of a model into ``folder``; see ``downloads.download``.

    Args:
        base_url: address of the folder, ``http`` or ``https``; the names are appended.
        files: what to fetch; names as in ``downloadable_names``.
        folder: where to put it; made if needed.
        accept_notice: that the user was shown ``NOTICE`` and accepts it.
        progress: called with the name, the bytes so far and the bytes in all (None if unknown).
        is_cancelled: asked again and again whether to stop.

    Raises:
        RequestError: the notice was not accepted, or an address, name or checksum is malformed.
        ExpansionModelError: a file could not be fetched or stored, or is not what its sum says.
    """
    if not accept_notice:
        raise RequestError(f"accept_notice is false, it must be true to download. {NOTICE}")
    if not is_web_address(base_url):
        raise RequestError(f'base_url is "{base_url}", allowed is an http or https address')
    for file in files:
        _check(file)
    if len({file.name for file in files}) < len(files):
        raise RequestError("files: a name is there twice")
    try:
        download(base_url, files, folder, progress=progress, is_cancelled=is_cancelled)
    except DownloadError as error:
        raise ExpansionModelError(str(error)) from error


def _check(file: RemoteFile) -> None:
    allowed = downloadable_names()
    if file.name not in allowed:
        raise RequestError(
            f'files: "{file.name}" is none of the files of a model; allowed: {", ".join(sorted(allowed))}'
        )
    if not file.has_a_sum:
        raise RequestError(f"files: sha256 of {file.name} is not 64 hexadecimal digits")

"""Finding the user's own expansion model, and downloading one when asked to.

Fooocus's model is free for non-commercial use outside Fooocus; this extension neither ships it nor names
a place to get it from. A user who has the right to use it puts its folder where ``find_expansion_folder``
looks, or confirms an address and the notice below.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import torch

from fooocus_ext.downloads.files import UNFINISHED, RemoteFile, is_sum
from fooocus_ext.downloads.orders import Order
from fooocus_ext.downloads.sources import ANYWHERE, is_web_address
from fooocus_ext.errors import RequestError

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

DOWNLOAD = "expansion-model"
"""The key and the kind of its download in the queue."""
MAX_FILE_BYTES = 2 * 1024**3
MAX_SECONDS = 2 * 60 * 60.0
"""A download of several files may not take longer in all; it can be gone on with."""

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
        whole = [path for path in sorted(folder.iterdir()) if not path.name.endswith(UNFINISHED)]
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


def model_order(
    base_url: str, names_and_sums: Sequence[tuple[str, str]], folder: Path, *, accept_notice: bool
) -> Order:
    """Return what to download: the files of a model, from an address that a person has typed.

    Args:
        base_url: address of the folder, ``http`` or ``https``; the names are appended.
        names_and_sums: what to fetch; names as in ``downloadable_names``, each with its SHA-256.
        folder: where to put it; made if needed.
        accept_notice: that the user was shown ``NOTICE`` and accepts it.

    Raises:
        RequestError: the notice was not accepted, or an address, name or checksum is malformed.
    """
    if not accept_notice:
        raise RequestError(f"accept_notice is false, it must be true to download. {NOTICE}")
    if not is_web_address(base_url):
        raise RequestError(f'base_url is "{base_url}", allowed is an http or https address')
    for name, sha256 in names_and_sums:
        _check(name, sha256)
    names = [name for name, _sum in names_and_sums]
    if len(set(names)) < len(names):
        raise RequestError("files: a name is there twice")
    base = base_url.rstrip("/")
    return Order(
        key=DOWNLOAD,
        kind=DOWNLOAD,
        files=tuple(
            RemoteFile(name, f"{base}/{quote(name)}", sum_) for name, sum_ in names_and_sums
        ),
        folder=folder,
        sources=lambda: ANYWHERE,
        largest=MAX_FILE_BYTES,
        replaces=True,
        max_seconds=MAX_SECONDS,
    )


def _check(name: str, sha256: str) -> None:
    allowed = downloadable_names()
    if name not in allowed:
        raise RequestError(
            f'files: "{name}" is none of the files of a model; allowed: {", ".join(sorted(allowed))}'
        )
    if not is_sum(sha256):
        raise RequestError(f"files: sha256 of {name} is not 64 hexadecimal digits")

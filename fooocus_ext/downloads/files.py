"""A file to fetch, the part of it that is there already, and what is known about that part."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fooocus_ext.data_files import (
    MEBIBYTE,
    DataFileError,
    parse_json,
    read_text,
    replace_file,
    write_whole,
)

PART = ".part"
RECORD = f"{PART}.json"
UNFINISHED = (PART, RECORD)
"""How the names of files end that are no files of a model, because one is still on its way."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = MEBIBYTE
_MAX_RECORD_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 100 * MEBIBYTE


class DownloadError(Exception):
    """A file did not come, or is not what it should be; the message is one line and names it."""


class StoppedError(DownloadError):
    """The download was stopped on request, and can go on from where it is."""


def is_sum(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal."""
    return _SHA256.fullmatch(text.lower()) is not None


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: a plain file name, which it gets here.
        url: where it is published.
        sha256: of its content, in hexadecimal; empty if not known.
        size: in bytes; None if not known.
    """

    name: str
    url: str
    sha256: str = ""
    size: int | None = None

    def part(self, folder: Path) -> Path:
        """Return where the file grows until it is whole."""
        return folder / f"{self.name}{PART}"

    def record(self, folder: Path) -> Path:
        """Return where it is written down what the part is a part of."""
        return folder / f"{self.name}{RECORD}"


def sum_of(path: Path, go_on: Callable[[], None]) -> str:
    """Return the SHA-256 of a file; ``go_on`` is called again and again."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            go_on()
            digest.update(block)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return a file's size in bytes, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0


def make_place(folder: Path, file: RemoteFile) -> None:
    """Make the folder, and see that the file can take its place there.

    Raises:
        DownloadError: something else than a file is in the way.
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / file.name, file.part(folder), file.record(folder)):
        if path.is_symlink() and path.name.endswith(UNFINISHED):
            path.unlink()  # writing would go where it leads
        elif path.exists() and not path.is_file():
            raise DownloadError(f"{path} is in the way: it is no file")


def take_name(file: RemoteFile, folder: Path) -> None:
    """Put a whole part in its place in one step, after it is on the disk."""
    part = file.part(folder)
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    replace_file(part, folder / file.name)
    file.record(folder).unlink(missing_ok=True)


def remove_unfinished(file: RemoteFile, folder: Path) -> None:
    """Remove what there is of a file that is not whole."""
    for path in (file.part(folder), file.record(folder)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def check_weights(path: Path) -> str | None:
    """Return what is wrong with a ``.safetensors`` file, unless it is as long as its header says.

    The format: eight bytes with the header's length, the header (JSON with each tensor's place in the
    rest), the rest.
    """
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        header = stream.read(length) if 2 <= length <= _MAX_HEADER_BYTES else b""
    try:
        places = [entry for name, entry in json.loads(header).items() if name != "__metadata__"]
        end = max((int(entry["data_offsets"][1]) for entry in places), default=0)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return "is no safetensors file"
    return None if 8 + length + end == size_of(path) else "is not as long as its header says"


@dataclass(frozen=True)
class Record:
    """What a part is a part of; stands beside it, and outlives the program.

    Attributes:
        file: what is being fetched.
        version: what its host calls this state of the file (an entity tag or a sum); empty if nothing.
    """

    file: RemoteFile
    version: str = ""

    def write(self, folder: Path) -> None:
        """Write it down beside the part. Raises OSError."""
        content = {**asdict(self.file), "version": self.version}
        write_whole(self.file.record(folder), json.dumps(content))


def read_record(path: Path) -> Record | None:
    """Return what a record says; None if there is none that makes sense."""
    try:
        content = parse_json(read_text(path, limit=_MAX_RECORD_BYTES))
    except DataFileError:
        return None
    texts = ("name", "url", "sha256", "version")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in texts):
        return None
    size, name = content.get("size"), content["name"]
    sized = size is None or (isinstance(size, int) and not isinstance(size, bool) and size >= 0)
    if not sized or path.name != f"{name}{RECORD}":
        return None
    file = RemoteFile(name, content["url"], content["sha256"], size)
    return Record(file, content["version"])

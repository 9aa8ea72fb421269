"""The folder of a run: its pictures, and the journal, which alone says what is finished.

A picture is written whole before its line. So a kill can leave a file without a line, which the next start
adopts, and a machine that loses its power a line without a file of the size that it states, whose picture is
made again. The journal is forced onto the disk once a second, pictures when the system likes: to wait for
each would let a disk that needs 20 ms for it set the pace. Whatever else is in the folder can be made again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from bulk.errors import UsageError
from fooocus_ext.data_files import replace_file

Record = dict[str, Any]
DONE, FAILED = "done", "failed"
UNFINISHED = ".part"
SYNC_SECONDS = 1.0


class Finished(NamedTuple):
    """A final record, and the picture that belongs to it, if it is one of a picture."""

    record: Record
    png: bytes | None


class Folder:
    """Where a run keeps what it makes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal.jsonl"
        self.manifest = path / "manifest.parquet"
        self.run = path / "run.json"
        self.status = path / "status.json"
        self.plan = path / "plan.sqlite"
        self.images = path / "images"
        self.shards = path / "shards"
        self.webuis = path / "webuis"

    def lock(self) -> FileLock:
        """Make the folder and keep other drivers out until the lock is released, or this process ends.

        Raises:
            UsageError: another driver works here, or the folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise UsageError(f"{self.path}: another run works in this folder.") from None
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be used: {error}.") from error
        return lock

    def image(self, key: str) -> Path:
        """Return the path of a picture; its name comes from its key alone."""
        return Path(self.image_text(key))

    def image_text(self, key: str) -> str:
        """Return the same as a text: a Path costs more than the question whether it is there."""
        return f"{self.images}/{key[:2]}/{key}.png"

    def images_there(self) -> Iterator[Path]:
        """Yield the files of finished pictures."""
        return self.images.glob("??/*.png")

    def unfinished(self) -> Iterator[Path]:
        """Yield what a kill has left in the middle of being written."""
        return self.images.glob(f"??/*{UNFINISHED}")

    def read_json(self, path: Path) -> dict[str, Any]:
        """Return the object in a file of the folder; empty if there is none that can be read."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


class Journal:
    """The records of a folder: read at the start, then only added to."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        for path in folder.unfinished():
            path.unlink()
        drop_torn_line(folder.journal)
        self._file = folder.journal.open("ab")
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Put what is recorded onto the disk, and let go of the file."""
        self.sync()
        self._file.close()

    def records(self) -> Iterator[Record]:
        """Yield what is recorded, in the order in which it was."""
        return read_records(self._folder.journal)

    def keep_only(self, keep: Iterable[Record]) -> None:
        """Leave only some of its records in the journal."""
        unfinished = self._folder.journal.with_name(f"journal.jsonl{UNFINISHED}")
        with unfinished.open("wb") as file:
            for record in keep:
                file.write(as_line(record))
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        replace_file(unfinished, self._folder.journal)
        self._file = self._folder.journal.open("ab")

    def add(self, finished: Iterable[Finished]) -> None:
        """Store pictures, then their records."""
        lines = []
        for record, png in finished:
            if png is not None:
                write_whole(self._folder.image(record["key"]), png)
            lines.append(as_line(record))
        self._file.write(b"".join(lines))
        self._file.flush()
        if time.monotonic() - self._synced_at > SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """See to it that the records are on the disk."""
        os.fsync(self._file.fileno())
        self._synced_at = time.monotonic()


def write_whole(path: Path, content: bytes, *, is_kept: bool = False) -> None:
    """Write a file that is there with all of its content, or not at all; ``is_kept``: power cut or not."""
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        file = unfinished.open("wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = unfinished.open("wb")
    with file:
        file.write(content)
        if is_kept:
            file.flush()
            os.fsync(file.fileno())
    replace_file(unfinished, path)


def write_json(path: Path, value: Mapping[str, Any], *, is_kept: bool = False) -> None:
    """Write an object into a file that is read while the run goes on."""
    write_whole(path, json.dumps(value, indent=1).encode(), is_kept=is_kept)


def as_line(record: Record) -> bytes:
    """Return a record as the journal has it."""
    return (
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n"
    )


def drop_torn_line(path: Path) -> None:
    """Cut off what a kill has left of a line at the end of a journal."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - 65_536)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            if newline >= 0:
                file.truncate(begin + newline + 1)
                return
            end = begin
        file.truncate(0)


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a journal; a line that is none (a broken disk, a hand) is passed over."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if (
                isinstance(record, dict)
                and record.get("status") in (DONE, FAILED)
                and "key" in record
            ):
                yield record

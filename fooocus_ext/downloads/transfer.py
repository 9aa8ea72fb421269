"""One file on its way: asked for from where it broke off, bounded, and checked when it is there."""

from __future__ import annotations

import errno
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from fooocus_ext.data_files import MEBIBYTE
from fooocus_ext.downloads.connection import Answer, BrokenOffError, RefusedError, ask, new_client
from fooocus_ext.downloads.files import (
    DownloadError,
    Record,
    RemoteFile,
    check_weights,
    is_sum,
    make_place,
    read_record,
    remove_unfinished,
    size_of,
    sum_of,
)
from fooocus_ext.downloads.sources import Sources

log = logging.getLogger("fooocus")

Progress = Callable[[str, int, int | None], None]
"""Told a file's name, the bytes that are there and the bytes in all (None if unknown)."""

SPARE_BYTES = 64 * MEBIBYTE
"""What a download leaves free on the disk."""
_PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each new try of a transfer that broke off; after the last one it has failed."""
_MAX_RESTARTS = 2
_FULL = (errno.ENOSPC, errno.EDQUOT)
_GENERAL = "the address does not give it, or the connection broke off; the webui's log says more"


class _StartOverError(Exception):
    """What is here is no beginning of what the server has now."""


class _UnfitError(DownloadError):
    """What came is not what was asked for, and is of no use for another try."""


@dataclass(frozen=True)
class Transfer:
    """One download of one file into the part beside its place.

    Attributes:
        file: what to fetch.
        folder: where it goes.
        sources: where it may come from. If that is anywhere, the address was typed by somebody who
            could have the webui look for what runs in its network: messages then hide how it answered.
        largest: more bytes than this are not accepted, whatever the server states.
        progress: see ``Progress``.
        go_on: called again and again; raises ``DownloadError`` to end it. What is here stays.
    """

    file: RemoteFile
    folder: Path
    sources: Sources
    largest: int
    progress: Progress
    go_on: Callable[[], None]

    def run(self) -> None:
        """Fetch the file; afterwards its part is whole and is what it should be.

        Raises:
            DownloadError: it did not come, is too large for the disk or the limit, is another file
                than it should be, or cannot be written.
        """
        with self._disk_errors():
            make_place(self.folder, self.file)
            if self._is_whole():
                return
            self._forget_part_of_another_file()
            try:
                with new_client() as client:
                    self._persist(client)
                self._check()
            except _UnfitError:
                # Here the part is closed again: Windows removes no file that is open.
                remove_unfinished(self.file, self.folder)
                raise

    @property
    def _part(self) -> Path:
        return self.file.part(self.folder)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise DownloadError(
                    f"The disk of {self.folder} is full; what is there of {self.file.name} is kept."
                ) from error
            raise DownloadError(f"{self.folder} cannot be written: {error.strerror}") from error

    def _is_whole(self) -> bool:
        """Whether the part is all of the file: a program ended between its last byte and its place."""
        part, known = self._part, self.file.size
        if not self.file.sha256 or not part.is_file() or size_of(part) < (known or 0):
            return False
        return sum_of(part, self.go_on) == self.file.sha256.lower()

    def _forget_part_of_another_file(self) -> None:
        """Start anew where the part came from another address, unless the sum will tell."""
        known = self._known()
        if known.file.url != self.file.url and not self.file.sha256:
            self._part.unlink(missing_ok=True)
            known = Record(self.file)
        Record(self.file, known.version).write(self.folder)

    def _known(self) -> Record:
        """Return what is known of the part."""
        return read_record(self.file.record(self.folder)) or Record(self.file)

    def _persist(self, client: httpx.Client) -> None:
        """Ask again as long as there is hope: something comes, and it is not begun anew all the time."""
        failures = restarts = 0
        has_grown = False
        while True:
            before = size_of(self._part)
            try:
                return self._ask(client)
            except RefusedError as error:
                raise self._did_not_come(error) from error
            except _StartOverError as error:
                self._part.unlink(missing_ok=True)
                restarts += 1
                if restarts > _MAX_RESTARTS:
                    raise self._did_not_come(error) from error
            except BrokenOffError as error:
                is_growing = size_of(self._part) > before
                has_grown = has_grown or is_growing
                failures = 1 if is_growing else failures + 1
                if not has_grown or failures > len(_PAUSES):
                    raise self._did_not_come(error) from error
                log.info("%s from %s: %s", self.file.name, self.file.url, error)
                self._wait(_PAUSES[failures - 1])

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.go_on()
            time.sleep(0.05)

    def _did_not_come(self, reason: Exception) -> DownloadError:
        log.warning("%s from %s: %s", self.file.name, self.file.url, reason)
        said = _GENERAL if self.sources.anywhere else reason
        return DownloadError(f"{self.file.name} could not be downloaded: {said}")

    def _ask(self, client: httpx.Client) -> None:
        """Ask for what is missing, and write it."""
        self.go_on()
        have = size_of(self._part)
        headers = {"Range": f"bytes={have}-"} if have else None
        with ask(client, self.file.url, self.sources, headers=headers) as answer:
            self._check_version(answer, have)
            if answer.range_refused:
                if have != (answer.whole_size or self.file.size):
                    raise _StartOverError("the server has nothing from here on")
                return  # all of it is here; the sum decides
            if answer.is_partial and answer.begins_at != have:
                raise _StartOverError("the server gives another part than it was asked for")
            self._write(answer)

    def _check_version(self, answer: Answer, have: int) -> None:
        """Note which state of the file the server has; start over if the part is of another."""
        pinned, stated = self.file.sha256.lower(), answer.stated_sum
        if pinned and stated and stated != pinned:
            raise self._unfit("was not downloaded: its host has another file under this name now")
        known = self._known().version
        if answer.version != known and not answer.range_refused:
            Record(self.file, answer.version).write(self.folder)
        is_same = bool(known) and answer.version == known
        if have and answer.is_partial and not pinned and not is_same:
            raise _StartOverError("the server does not say that it is the same file still")

    def _write(self, answer: Answer) -> None:
        have = answer.begins_at or 0
        total = answer.whole_size
        if total is not None:
            self._check_size(total, is_all=True)
        self._check_disk((total or self.file.size or 0) - size_of(self._part))
        with self._part.open("ab" if have else "wb") as stream:
            for block in answer.response.iter_raw():
                self.go_on()
                have += len(block)
                self._check_size(have)  # whatever the server stated
                stream.write(block)
                self.progress(self.file.name, have, total or self.file.size)
        if have < (total or self.file.size or 0):
            raise BrokenOffError(f"the connection broke off after {have} bytes")

    def _check_size(self, size: int, *, is_all: bool = False) -> None:
        """Raise DownloadError for a size that the file cannot have, or not yet."""
        known = self.file.size
        if size > self.largest:
            raise self._unfit(f"is larger than the {self.largest} bytes that are accepted")
        if known is not None and (size > known or (is_all and size < known)):
            raise self._unfit(f"does not have {known} bytes there, as it should have")

    def _check_disk(self, missing: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if missing + SPARE_BYTES > free:
            raise DownloadError(
                f"{self.file.name} needs {missing // MEBIBYTE + 1} MiB more on the disk, and "
                f"{self.folder} has {free // MEBIBYTE} MiB free, of which {SPARE_BYTES // MEBIBYTE} "
                "MiB stay free."
            )

    def _unfit(self, reason: str) -> _UnfitError:
        return _UnfitError(f"{self.file.name} {reason}")

    def _check(self) -> None:
        """Raise DownloadError unless the part is the file that was asked for."""
        version = self._known().version
        expected = self.file.sha256.lower() or (version if is_sum(version) else "")
        if expected and sum_of(self._part, self.go_on) != expected:
            raise self._unfit("was downloaded, but its checksum is wrong")
        if not expected and self.file.name.endswith(".safetensors"):
            problem = check_weights(self._part)
            if problem:
                raise self._unfit(f"was downloaded, but {problem}")

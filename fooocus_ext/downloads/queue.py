"""The queue of downloads: one after the other, each can be paused, gone on with and dropped."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fooocus_ext.data_files import MEBIBYTE
from fooocus_ext.downloads.files import (
    RECORD,
    DownloadError,
    Record,
    RemoteFile,
    StoppedError,
    read_record,
    remove_unfinished,
    size_of,
    sum_of,
    take_name,
)
from fooocus_ext.downloads.sources import Sources
from fooocus_ext.downloads.transfer import Transfer

log = logging.getLogger("fooocus")

State = Literal["waiting", "running", "paused", "failed", "done"]
LARGEST_MODEL = 64 * 1024 * MEBIBYTE
"""bytes; several times the largest checkpoint of SDXL"""
CANCELLED = "The download was cancelled; started again, it goes on from there."
_SPEED_SECONDS = 5.0
"""The speed is that of this long a time before now."""
_DONE_REMEMBERED = 20


@dataclass(frozen=True)
class Order:
    """What is to be downloaded: files of one folder that take their names together.

    Attributes:
        key: its name in the queue: the same key is the same download.
        kind: what the files are, for the caller.
        files: at least one.
        folder: where they go.
        sources: where they may come from; asked when the download begins.
        largest: no file may have more bytes than this.
        replaces: whether a file of that name gives way if it is another; it stays otherwise, and
            counts as downloaded.
        max_seconds: it may not take longer than this at a time; it can be gone on with.
        max_seconds: it may not take longer without a break; it can be gone on with.
    """

    key: str
    kind: str
    files: tuple[RemoteFile, ...]
    folder: Path
    sources: Callable[[], Sources]
    largest: int = LARGEST_MODEL
    replaces: bool = False
    max_seconds: float = float("inf")


@dataclass
class Download:
    """One download in the queue, and how far it is.

    Attributes:
        order: what is downloaded.
        state: "paused" and "failed" ones go on when asked to.
        file: the name of the file that is on its way.
        bytes_done: of that file.
        bytes_total: of that file; None if not known.
        error: why it has failed or stopped.
        stop: set to have it stop.
        dropped: whether nothing of it is to stay, once it has stopped.
        ended: set while it is neither waiting nor running.
    """

    order: Order
    state: State = "waiting"
    file: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    error: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def report(self, name: str, done: int, total: int | None) -> None:
        """Note how much of which file is there."""
        now = time.monotonic()
        if name != self.file:
            self._seen.clear()
        self.file, self.bytes_done, self.bytes_total = name, done, total
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _SPEED_SECONDS:
            self._seen.popleft()

    @property
    def is_on(self) -> bool:
        """Whether it waits for its turn or has it."""
        return self.state in ("waiting", "running")

    @property
    def speed(self) -> float | None:
        """Bytes per second of late; None while nothing comes."""
        seen = list(self._seen)
        if self.state != "running" or len(seen) < 2:
            return None
        seconds = max(time.monotonic() - seen[0][0], 0.001)
        return max(seen[-1][1] - seen[0][1], 0) / seconds

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the file is there at this speed; None if that cannot be told."""
        if not self.speed or self.bytes_total is None:
            return None
        return (self.bytes_total - self.bytes_done) / self.speed


class Downloads:
    """All downloads of this program. Its methods may be called from any thread.

    ``arrived`` is called with each order whose files have just taken their names.
    """

    def __init__(self, arrived: Callable[[Order], None]) -> None:
        self._arrived = arrived
        self._downloads: dict[str, Download] = {}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def all(self) -> list[Download]:
        """Return the downloads there are, and the last of those that are done."""
        with self._lock:
            return list(self._downloads.values())

    def find(self, key: str) -> Download | None:
        """Return the download with a key, if there is one."""
        return self._downloads.get(key)

    def add(self, order: Order) -> Download:
        """Put an order at the end of the queue; one that is there already is gone on with instead."""
        with self._lock:
            known = self._downloads.get(order.key)
            if known is not None and known.is_on:
                known.stop.clear()
                return known
            download = Download(order, file=order.files[0].name)
            _note_down(order)
            self._downloads.pop(order.key, None)
            self._downloads[order.key] = download
            self._forget_old()
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._work, name="fooocus-downloads", daemon=True
                )
                self._worker.start()
            return download

    def pause(self, key: str) -> bool:
        """Have a download stop for now; returns whether there was one to stop."""
        with self._lock:
            download = self._downloads.get(key)
            if download is None or not download.is_on:
                return False
            download.stop.set()
            if download.state == "waiting":
                _end(download, "paused", CANCELLED)
            return True

    def resume(self, key: str) -> bool:
        """Go on with a download; returns whether there is one that is not done."""
        download = self.find(key)
        if download is None or download.state == "done":
            return False
        self.add(download.order)
        return True

    def remove(self, key: str) -> bool:
        """Drop a download and what is there of its files; returns whether there was one."""
        with self._lock:
            download = self._downloads.pop(key, None)
            if download is None:
                return False
            download.dropped = True
            download.stop.set()
            if download.state != "running":
                _end(download, download.state)
        return True

    def take_up(self, kind: str, folder: Path, sources: Callable[[], Sources]) -> None:
        """List what an earlier run of the program has left unfinished in a folder, as paused."""
        try:
            records = sorted(folder.glob(f"*{RECORD}"))
        except OSError:
            return
        for path in records:
            record = read_record(path)
            if record is not None:
                file = record.file
                self._take_up(Order(f"{kind}/{file.name}", kind, (file,), folder, sources))

    def _take_up(self, order: Order) -> None:
        file = order.files[0]
        left = Download(order, "paused", file.name, size_of(file.part(order.folder)), file.size)
        left.ended.set()
        with self._lock:
            self._downloads.setdefault(order.key, left)

    def _forget_old(self) -> None:
        done = [key for key, each in self._downloads.items() if each.state == "done"]
        for key in done[:-_DONE_REMEMBERED]:
            del self._downloads[key]

    def _next(self) -> Download | None:
        with self._lock:
            for download in self._downloads.values():
                if download.state == "waiting":
                    download.state = "running"
                    return download
            self._worker = None
            return None

    def _work(self) -> None:
        while download := self._next():
            state, error = self._outcome(download)
            with self._lock:
                if state == "paused" and not download.stop.is_set():
                    download.state = "waiting"  # it was gone on with before it had stopped
                else:
                    _end(download, state, error)

    def _outcome(self, download: Download) -> tuple[State, str]:
        try:
            _fetch(download)
        except StoppedError as error:
            return "paused", str(error)
        except DownloadError as error:
            return "failed", str(error)
        except Exception as error:  # the ones that wait are not to suffer
            log.exception("%s could not be downloaded", download.order.key)
            return "failed", f"{download.file} could not be downloaded: {error}"
        self._announce(download.order)
        return "done", ""

    def _announce(self, order: Order) -> None:
        try:
            self._arrived(order)
        except Exception:  # the files are there, whatever a list makes of them
            log.exception("the lists could not be read again after %s came", order.key)


def _note_down(order: Order) -> None:
    """Write down that files are wanted, so that a restart of the program finds those that wait, too."""
    for file in order.files:
        with contextlib.suppress(OSError):  # told when it is the download's turn
            order.folder.mkdir(parents=True, exist_ok=True)
            if not file.record(order.folder).exists():
                Record(file).write(order.folder)


def _end(download: Download, state: State, error: str = "") -> None:
    folder = download.order.folder
    download.state, download.error = state, error
    for file in download.order.files:
        nothing_came = state == "failed" and not file.part(folder).exists()
        if nothing_came or (download.dropped and state != "done"):
            remove_unfinished(file, folder)
    download.ended.set()


def _fetch(download: Download) -> None:
    """Fetch all files of a download; they take their names once all of them are there."""
    order = download.order
    end = time.monotonic() + order.max_seconds

    def go_on() -> None:
        if download.stop.is_set():
            raise StoppedError(CANCELLED)
        if time.monotonic() > end:
            raise DownloadError(
                f"The download took longer than {order.max_seconds / 3600:g} hours."
            )

    fetched = []
    for file in order.files:
        if _is_there(file, order, go_on):
            size = size_of(order.folder / file.name)
            download.report(file.name, size, size)
            remove_unfinished(file, order.folder)
            continue
        transfer = Transfer(
            file, order.folder, order.sources(), order.largest, download.report, go_on
        )
        transfer.run()
        fetched.append(file)
    try:
        for file in fetched:
            take_name(file, order.folder)
    except OSError as error:
        raise DownloadError(f"{order.folder} cannot be written: {error.strerror}") from error


def _is_there(file: RemoteFile, order: Order, go_on: Callable[[], None]) -> bool:
    """Whether a file has its place already."""
    place = order.folder / file.name
    if not place.is_file():
        return False
    return not order.replaces or sum_of(place, go_on) == file.sha256.lower()

"""The queue of downloads: one after the other, each can be paused, gone on with and dropped."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

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
from fooocus_ext.downloads.orders import Download, Order, State
from fooocus_ext.downloads.sources import Sources
from fooocus_ext.downloads.transfer import Transfer

log = logging.getLogger("fooocus")

CANCELLED = "The download was cancelled; started again, it goes on from there."
_DONE_REMEMBERED = 20


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
        """Return the downloads there are, and the last of those that are done and still there."""
        with self._lock:
            return [each for each in self._downloads.values() if not _is_gone(each)]

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
            if self._worker is None or not self._worker.is_alive():
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


def _is_gone(download: Download) -> bool:
    """Whether files have come that somebody has taken away since."""
    order = download.order
    return download.state == "done" and not all(
        _exists(order.folder / file.name) for file in order.files
    )


def _exists(path: Path) -> bool:
    """Whether there is something by that name, as far as one may look."""
    try:
        return path.exists()
    except OSError:  # the folder is closed to us, or the name too long for its disk
        return False


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
        nothing_came = state == "failed" and not _exists(file.part(folder))
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
            if order.replaces or not (order.folder / file.name).is_file():
                take_name(file, order.folder)
            else:  # it came while ours was on its way, and stays
                remove_unfinished(file, order.folder)
    except OSError as error:
        raise DownloadError(f"{order.folder} cannot be written: {error.strerror}") from error


def _is_there(file: RemoteFile, order: Order, go_on: Callable[[], None]) -> bool:
    """Whether a file has its place already."""
    place = order.folder / file.name
    if not place.is_file():
        return False
    return not order.replaces or sum_of(place, go_on) == file.sha256.lower()

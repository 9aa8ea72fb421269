"""What is to be downloaded, and how far that is."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fooocus_ext.data_files import MEBIBYTE
from fooocus_ext.downloads.files import RemoteFile
from fooocus_ext.downloads.sources import Sources

State = Literal["waiting", "running", "paused", "failed", "done"]
LARGEST_MODEL = 64 * 1024 * MEBIBYTE
"""bytes; several times the largest checkpoint of SDXL"""
_SPEED_SECONDS = 5.0
"""The speed is that of this long a time before now."""


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

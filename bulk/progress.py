"""What people see of a run: one line that moves, what was worth a line of its own, and status.json."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import datetime, timezone
from typing import Any

from tqdm import tqdm

from bulk.dispatch import Run
from bulk.hosts import Host
from bulk.journal import Folder, write_json

STATUS_SECONDS = 2.0
QUIET_SECONDS = 15.0
"""Between two lines where the output is no terminal."""
MOST_NOTES = 200
HOSTS_SHOWN = 8


class Progress:
    """Shows a run until it is closed."""

    def __init__(self, run: Run, folder: Folder) -> None:
        self._run = run
        self._folder = folder
        self._notes = 0
        self._status_at = 0.0
        self._began = run.done + run.failed
        self._started = time.monotonic()
        self._bar = tqdm(
            total=run.total,
            initial=self._began,
            unit="picture",
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else QUIET_SECONDS,
            file=sys.stderr,
        )

    def __call__(self) -> None:
        """Show what is new."""
        run = self._run
        while run.notes:
            note = run.notes.popleft()
            self._notes += 1
            if self._notes <= MOST_NOTES:
                self._bar.write(note, file=sys.stderr)
        if self._bar.total != run.total:
            self._bar.total = run.total
            self._bar.initial = self._began = self._bar.n = run.done + run.failed
        finished = run.done + run.failed
        if finished > self._bar.n:
            self._bar.set_postfix_str(in_short(run), refresh=False)
            self._bar.update(finished - self._bar.n)
        if time.monotonic() - self._status_at > STATUS_SECONDS:
            self._bar.set_postfix_str(in_short(run), refresh=sys.stderr.isatty())
            self.write_status("running")

    def write_status(self, state: str) -> None:
        """Write status.json, if that can be: a run goes on without, its journal has all that counts."""
        self._status_at = time.monotonic()
        with contextlib.suppress(OSError):
            write_json(self._folder.status, described(self._run, state, self.rate()))

    def rate(self) -> float:
        """Return the pictures a second of this run."""
        seconds = time.monotonic() - self._started
        return (self._run.done + self._run.failed - self._began) / seconds if seconds > 0 else 0.0

    def close(self, state: str) -> None:
        """Show the last state, and leave the line."""
        self()
        self._bar.close()
        self.write_status(state)


def in_short(run: Run) -> str:
    """Return what stands behind the bar: failures, and each webui's state."""
    hosts = ", ".join(map(_host_in_short, run.hosts[:HOSTS_SHOWN]))
    more = f" and {len(run.hosts) - HOSTS_SHOWN} more" if len(run.hosts) > HOSTS_SHOWN else ""
    return f"failed {run.failed} | {hosts}{more}"


def _host_in_short(host: Host) -> str:
    name = host.name.rpartition("//")[2]
    return f"{name} {host.made}" if host.state == "ready" else f"{name} {host.state}"


def described(run: Run, state: str, rate: float) -> dict[str, Any]:
    """Return what status.json says."""
    return {
        "state": state,
        "total": run.total,
        "done": run.done,
        "failed": run.failed,
        "left": run.left,
        "pictures_per_second": round(rate, 3),
        "seconds_left": round(run.left / rate) if rate > 0 else None,
        "repeated_at_the_end": run.repeated,
        "hosts": [host.described() for host in run.hosts],
        "pid": os.getpid(),
        "updated_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }

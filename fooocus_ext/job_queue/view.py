"""What a window may know of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fooocus_ext.job_queue.jobs import QueuedJob


@dataclass(frozen=True)
class View:
    """What a window may know of the queue.

    Attributes:
        jobs: its own that wait, run or have failed, in the order in which their turn comes.
        places: of each that waits or runs among all such jobs, from 1, by id.
        open_jobs: how many wait or run, of all windows.
        forever: whether its last job is repeated.
        version: another with every finished picture and every job of the window that ends;
            empty if there is nothing to show.
    """

    jobs: tuple[QueuedJob, ...]
    places: Mapping[str, int]
    open_jobs: int
    forever: bool
    version: str

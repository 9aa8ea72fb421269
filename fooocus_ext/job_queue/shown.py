"""Which pictures a window shows, and so which finished jobs are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fooocus_ext.job_queue.jobs import QueuedJob

MOST_PICTURES = 100
"""Pictures that a window shows; of more, those of the oldest jobs are left to the log."""
MOST_WINDOWS = 16
"""Windows that are remembered while none of their jobs goes on."""
MOST_FAILED = 300
"""Failed jobs of a window that are kept for another try: all that can wait, if all of them fail."""


def run_of_next(own: Sequence[QueuedJob]) -> int:
    """Return the run of a job that is added: the newest, or another if nothing of a window goes on.

    A job that is tried again is of the newest, too, once it makes a picture.
    """
    newest = max((job.run for job in own), default=0)
    return newest if any(job.is_open for job in own) else newest + 1


def shown_jobs(own: Sequence[QueuedJob]) -> list[QueuedJob]:
    """Return the jobs whose pictures a window shows: those of its newest run that has any."""
    run = max((job.run for job in own if job.made), default=0)
    return [job for job in own if job.made and job.run == run]


def needless_jobs(own: Sequence[QueuedJob]) -> list[str]:
    """Return the ids of those jobs of a window that nobody needs any more.

    They are the done ones of earlier runs, once a job of the newest has ended, the oldest of too many,
    and those without a picture; but the last that has ended stays, for what it has to say.
    """
    ended = [job for job in own if not job.is_open]
    kept: set[str] = set()
    pictures = 0
    for job in reversed(shown_jobs(ended)):
        pictures += len(job.made)
        if pictures <= MOST_PICTURES or not kept:
            kept.add(job.id)
    kept |= {job.id for job in [job for job in own if job.state == "failed"][-MOST_FAILED:]}
    kept |= {job.id for job in ended[-1:]}
    return [job.id for job in ended if job.id not in kept]


def forgotten_windows(jobs: Iterable[QueuedJob]) -> set[str]:
    """Return the windows that are remembered no longer, those first that came first.

    A window that was closed is never seen again: what it left to be repeated or tried again goes with it.
    """
    is_busy: dict[str, bool] = {}
    for job in jobs:
        goes_on = job.state == "running" or (job.state == "waiting" and not job.repeats)
        is_busy[job.window] = is_busy.get(job.window, False) or goes_on
    idle = [window for window, busy in is_busy.items() if not busy]
    return set(idle[:-MOST_WINDOWS])

"""In which order jobs have their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue.jobs import QueuedJob


def next_job(jobs: Iterable[QueuedJob], is_closed: Callable[[str], bool]) -> QueuedJob | None:
    """Return the job whose turn it is; repetitions wait as long as their window is closed."""
    waiting = (job for job in jobs if job.state == "waiting")
    return next((job for job in waiting if not (job.repeats and is_closed(job.window))), None)


def moved(own: Sequence[QueuedJob], job: str, before: str | None) -> list[QueuedJob]:
    """Let a waiting job of a window run before another; return those that wait with their new places.

    They change places among each other: no other window's job waits longer for it.

    Args:
        own: the window's jobs, in order.
        job: the one that is moved.
        before: another one; None to run as the last.

    Raises:
        RequestError: one of the two does not wait.
    """
    waiting = [other for other in own if other.state == "waiting"]
    names = [other.id for other in waiting if other.id != job]
    if len(names) == len(waiting) or before not in {None, *names}:
        raise RequestError("Only jobs that wait can change places.")
    names.insert(len(names) if before is None else names.index(before), job)
    by_name = {other.id: other for other in waiting}
    return [
        replace(by_name[name], place=slot.place) for name, slot in zip(names, waiting, strict=True)
    ]

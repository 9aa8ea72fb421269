"""What may happen to the jobs of a server: the one place that changes them, on disk first."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue.jobs import Announced, Made, QueuedJob
from fooocus_ext.job_queue.order import moved, next_job
from fooocus_ext.job_queue.shown import forgotten_windows, needless_jobs, run_of_next, shown_jobs
from fooocus_ext.job_queue.store import Change, SplitStore
from fooocus_ext.job_queue.view import View

MOST_OPEN = 300
"""Jobs that may wait or run, of all windows together."""
MOST_IN_MEMORY = 64
"""Pictures kept that are on no disk: private ones, and those that could not be stored."""
ABSENCE_SECONDS = 300.0
"""A window that has not asked for so long is closed; browsers let hidden ones ask once a minute."""


class JobQueue:
    """All jobs of a server. Every method may be called from any thread.

    A change is on disk before it holds, except that of private jobs, which are never there.
    """

    def __init__(self, store: SplitStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._pictures: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._seen: dict[str, float] = {}
        self._versions: dict[str, int] = {}
        self._server = secrets.token_hex(4)
        self._jobs = {job.id: job.after_restart() for job in store.load()}
        if store.is_whole:
            store.forget_pictures(self._jobs.values())

    # ---- asked for by a window ----

    def add(self, job: QueuedJob, source: bytes | None = None, mask: bytes | None = None) -> None:
        """Let a job wait behind all others; of its window's, it alone may be repeated.

        Args:
            job: with an id that no job has; its place and run are set here.
            source: the picture that it starts from, as the content of a file; likewise its mask.
            mask: see ``source``.

        Raises:
            RequestError: too many jobs wait, or the same was added before.
            OSError: it cannot be stored.
        """
        with self._changed:
            if job.id in self._jobs:
                raise RequestError("This job is in the queue already.")
            own = self._of(job.window)
            new = self._behind_all(job, run_of_next(own))
            others = [replace(o, forever=False) for o in own if o.forever and o.is_open]
            new = self._store.with_pictures(new, source=source, mask=mask)
            self._save(*others, new, must=True)
            gone = forgotten_windows(self._jobs.values())
            self._drop([other.id for other in self._jobs.values() if other.window in gone])

    def remove(self, window: str, job: str) -> None:
        """Take a waiting or failed job out of the queue. Raises RequestError."""
        with self._changed:
            removed = self._own(window, job)
            if removed.state not in {"waiting", "failed"}:
                raise RequestError("This job is running or done; Stop ends the one that runs.")
            self._discard([removed])

    def clear(self, window: str) -> None:
        """Take all of a window's waiting and failed jobs out; none is repeated any more."""
        with self._changed:
            own = self._of(window)
            self._discard([job for job in own if job.state in {"waiting", "failed"}])
            self.repeat(window, forever=False)

    def move(self, window: str, job: str, before: str | None) -> None:
        """Let a waiting job run before another of the same window; None: as the window's last.

        Raises:
            RequestError: one of them does not wait.
        """
        with self._changed:
            self._own(window, job)
            self._save(*moved(self._of(window), job, before))

    def retry(self, window: str, job: str) -> None:
        """Let a failed job wait again, as one that is added anew. Raises RequestError."""
        with self._changed:
            failed = self._own(window, job)
            if failed.state != "failed":
                raise RequestError("This job has not failed.")
            self._save(self._behind_all(failed, failed.run))

    def repeat(self, window: str, *, forever: bool) -> None:
        """Repeat the last of a window's jobs that wait or run until further notice; or no job."""
        with self._changed:
            own = [job for job in self._of(window) if job.is_open]
            wrong = [job for job in own if job.forever != (forever and job is own[-1])]
            self._save(*(replace(job, forever=not job.forever) for job in wrong))

    def view(self, window: str) -> View:
        """Return what a window may know, and take down that it is open."""
        with self._changed:
            if everything := self._of(window):
                self._seen[window] = self._clock()
                self._changed.notify_all()
            in_turn = [job for job in self._jobs.values() if job.is_open]
            in_turn.sort(key=lambda job: job.state != "running")
            own = [job for job in in_turn if job.window == window]
            has_news = any(job.made or not job.is_open for job in everything)
            return View(
                jobs=(*(job for job in everything if job.state == "failed"), *own),
                places={j.id: place for place, j in enumerate(in_turn, 1) if j.window == window},
                open_jobs=len(in_turn),
                forever=any(job.forever for job in own),
                version=f"{self._server}-{self._versions.get(window, 0)}" if has_news else "",
            )

    def shown(self, window: str, *, intermediate: bool = True) -> list[QueuedJob]:
        """Return the jobs whose pictures a window shows, in the order of their pictures.

        Args:
            window: the window.
            intermediate: whether those of a job that still runs are shown.
        """
        with self._changed:
            own = [job for job in self._of(window) if intermediate or not job.is_open]
            return shown_jobs(own)

    def last_ended(self, window: str) -> QueuedJob | None:
        """Return the last job of a window that is done or has failed."""
        with self._changed:
            return next((job for job in reversed(self._of(window)) if not job.is_open), None)

    def picture(self, window: str, job: str, index: int) -> bytes | None:
        """Return a picture of a window's that is in memory alone, as the content of a file.

        Raises:
            RequestError: the window has no such job.
        """
        with self._changed:
            self._own(window, job)
            return self._pictures.get((job, index))

    # ---- what becomes of the job that runs ----

    def wait(self, seconds: float) -> bool:
        """Wait until a job can run, but not longer than ``seconds``; return whether one can."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next() is not None, seconds)

    def take(self) -> QueuedJob | None:
        """Begin with the next job, if there is one."""
        with self._changed:
            job = self._next()
            return None if job is None else self._change(job.id, state="running")

    def picture_kept(self, name: str | None) -> bytes | None:
        """Return a job's ``source`` or ``mask`` as a file's content; None if it has none, or it is gone."""
        with self._changed:
            return None if name is None else self._store.picture(name)

    def announce(self, job: str, announced: Announced) -> None:
        """Take down that a picture is about to be stored."""
        with self._changed:
            self._change(job, announced=announced)

    def withdraw(self, job: str) -> None:
        """Take down that the announced picture was not stored."""
        with self._changed:
            self._change(job, announced=None)

    def now(self, job: str) -> QueuedJob:
        """Return a job as it stands."""
        with self._changed:
            return self._jobs[job]

    def unsettled(self) -> list[QueuedJob]:
        """Return the jobs of which it is not known whether their announced picture was stored."""
        with self._changed:
            return [job for job in self._jobs.values() if job.announced is not None]

    def picture_made(self, job: str, made: Made, content: bytes | None = None) -> None:
        """Take down a finished picture; ``content`` is the file's of one that is on no disk.

        A picture that should be on disk and is not will be made anew if the job is tried again.
        """
        with self._changed:
            before = self._jobs[job]
            if content is not None:
                self._keep_in_memory(job, made.index, content)
            is_safe = made.file is not None or before.private
            reached = max(before.next_index, made.index + 1 if is_safe else made.index)
            now, run = before.with_picture(made), run_of_next(self._of(before.window))
            self._change(job, made=now, announced=None, next_index=reached, run=run)
            self._tell(before.window)

    def skipped(self, job: str, index: int) -> None:
        """Take down that a picture will not be made."""
        with self._changed:
            self._change(job, next_index=max(self._jobs[job].next_index, index + 1))

    def finish(self, job: str, *, comments: str, seconds: float, stopped: bool) -> None:
        """End a job; one that is to be repeated waits again at once, as the window's last.

        Args:
            job: its id.
            comments: what the host has to say.
            seconds: how long it took.
            stopped: whether it was stopped: then it is not repeated.
        """
        with self._changed:
            now = self._jobs[job]
            done = replace(now, state="done", comments=comments, seconds=seconds, forever=False)
            again = [now.repetition(self._last_place() + 1)] if now.forever and not stopped else []
            self._save(done, *again)
            self._store.forget_pictures(self._jobs.values())
            self._tell(now.window)

    def fail(self, job: str, error: str) -> None:
        """End a job with a sentence about what went wrong; it can be tried again."""
        with self._changed:
            failed = self._change(job, state="failed", error=error, forever=False)
            self._tell(failed.window)

    # ---- all of these with the lock held ----

    def _next(self) -> QueuedJob | None:
        since = self._clock() - ABSENCE_SECONDS
        return next_job(self._jobs.values(), lambda w: self._seen.get(w, -math.inf) < since)

    def _of(self, window: str) -> list[QueuedJob]:
        return [job for job in self._jobs.values() if job.window == window]

    def _own(self, window: str, job: str) -> QueuedJob:
        found = self._jobs.get(job)
        if found is None or found.window != window:
            raise RequestError("There is no such job in this window; it may be done already.")
        return found

    def _behind_all(self, job: QueuedJob, run: int) -> QueuedJob:
        """Return a job as the last of all that wait; refuse too many."""
        if sum(other.is_open for other in self._jobs.values()) >= MOST_OPEN:
            raise RequestError(
                f"{MOST_OPEN} jobs are waiting already, as many as may: wait until one is done."
            )
        place = self._last_place() + 1
        return replace(job, state="waiting", error="", run=run, place=place)

    def _last_place(self) -> int:
        return max((job.place for job in self._jobs.values()), default=0)

    def _change(self, job: str, **values: object) -> QueuedJob:
        changed: QueuedJob = replace(self._jobs[job], **values)  # type: ignore[arg-type]
        self._save(changed)
        return changed

    def _save(self, *jobs: QueuedJob, must: bool = False) -> None:
        self._store.commit(Change(jobs), must=must)
        self._jobs.update({job.id: job for job in jobs})
        self._jobs = dict(sorted(self._jobs.items(), key=lambda item: item[1].place))
        self._changed.notify_all()

    def _discard(self, jobs: Sequence[QueuedJob]) -> None:
        """Drop jobs that are not wanted any more; pictures that they have made stay."""
        done = [replace(job, state="done") for job in jobs if job.made]
        self._drop([job.id for job in jobs if not job.made], done)

    def _drop(self, jobs: Sequence[str], done: Sequence[QueuedJob] = ()) -> None:
        if not (jobs or done):
            return
        self._save(*done)
        self._store.commit(Change((), jobs))
        for job in jobs:
            del self._jobs[job]
        self._store.forget_pictures(self._jobs.values())
        for key in [key for key in self._pictures if key[0] not in self._jobs]:
            del self._pictures[key]

    def _keep_in_memory(self, job: str, index: int, content: bytes) -> None:
        self._pictures[job, index] = content
        while len(self._pictures) > MOST_IN_MEMORY:
            (old_job, old_index), _content = self._pictures.popitem(last=False)
            made = self._jobs[old_job].made
            self._change(old_job, made=tuple(m for m in made if m.index != old_index))

    def _tell(self, window: str) -> None:
        """Note that a window has something new to show, and forget what that replaces."""
        self._versions[window] = self._versions.get(window, 0) + 1
        self._drop(needless_jobs(self._of(window)))

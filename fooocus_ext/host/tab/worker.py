"""The thread that works through the tab's queue, one job at a time, in turn with all others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from modules import call_queue

from fooocus_ext.host.jobs.run import as_task
from fooocus_ext.job_queue.jobs import QueuedJob
from fooocus_ext.job_queue.queue import JobQueue

log = logging.getLogger("fooocus")

_LOOK_SECONDS = 60.0


class Worker:
    """Takes the host's lock anew for each job, so that jobs of its own pages and API have their turn."""

    def __init__(self, queue: JobQueue, make: Callable[[JobQueue, QueuedJob], None]) -> None:
        self._queue, self._make = queue, make
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """See to it that the thread runs."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="fooocus", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            if not self._queue.wait(_LOOK_SECONDS):
                continue
            with (
                call_queue.queue_lock
            ):  # first: until its turn has come, a job can be moved or removed
                job = self._queue.take()
                if job is not None:
                    self._run(job)

    def _run(self, job: QueuedJob) -> None:
        """Run a job; whatever goes wrong outside of the making ends it alone, not those after it."""
        try:
            with as_task(job.id):
                self._make(self._queue, job)
        except Exception as error:
            log.exception("a job could not be run")
            self._queue.fail(job.id, f"{type(error).__name__}: {error}")

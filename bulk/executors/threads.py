"""Threads of the driver's own process: nothing to install, for hosts on any number of machines."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Sequence

from bulk.answers import Answer, Job
from bulk.executors.base import Spec, Worker
from bulk.hosts import WINDOW


class Threads:
    """As many threads for each webui as it may have requests; they end with the process."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._answers: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()
        self._workers = [Worker(spec) for spec in specs]
        self._jobs: list[queue.SimpleQueue[tuple[int, Job]]] = [
            queue.SimpleQueue() for _spec in specs
        ]
        for worker, jobs in zip(self._workers, self._jobs, strict=True):
            for _place in range(WINDOW + 1):  # a probe must not wait for two requests that hang
                threading.Thread(target=self._serve, args=(worker, jobs), daemon=True).start()

    def _serve(self, worker: Worker, jobs: queue.SimpleQueue[tuple[int, Job]]) -> None:
        while True:
            ticket, job = jobs.get()
            try:
                answer = worker.run(job)
            except Exception as error:  # noqa: BLE001 -- a ticket comes back, whatever happens
                answer = Answer("broken", f"{type(error).__name__}: {error}")
            self._answers.put((ticket, answer))

    def submit(self, host: int, ticket: int, job: Job) -> None:
        """Have a job done at the webui with this number."""
        self._jobs[host].put((ticket, job))

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, waiting for the first."""
        found: list[tuple[int, Answer]] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._answers.get(timeout=seconds))
            while True:
                found.append(self._answers.get_nowait())
        return found

    def close(self) -> None:
        """Stop the webuis that were started here."""
        for worker in self._workers:
            worker.close()

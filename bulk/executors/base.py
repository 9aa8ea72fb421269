"""What the driver asks of an executor, and what both have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bulk.answers import Answer, Job
from bulk.spawn import Spawned
from bulk.webui import Webui


@dataclass(frozen=True)
class Spec:
    """A webui that is to be used.

    Attributes:
        name: how people call it.
        url: where it is; empty for one that is to be started.
        auth: "user:password", or "".
        ca: a file of certificates, or "".
        spawned: how it is started, if it is.
    """

    name: str
    url: str = ""
    auth: str = ""
    ca: str = ""
    spawned: Spawned | None = None


class Executor(Protocol):
    """Does jobs at webuis, several at a time; each ticket comes back once."""

    def submit(self, host: int, ticket: int, job: Job) -> None:
        """Have a job done at the webui with this number."""

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, waiting for the first."""

    def close(self) -> None:
        """Stop; what still runs is not waited for."""


class Worker:
    """Does the jobs of one webui, which it starts and restarts if that is its task."""

    def __init__(self, spec: Spec) -> None:
        self._spawned = spec.spawned and spec.spawned.keeper()
        url = self._spawned.url if self._spawned else spec.url
        self._webui = Webui(url, spec.auth, spec.ca)

    def run(self, job: Job) -> Answer:
        """Do a job; whatever happens is an answer."""
        if self._spawned:
            problem = self._spawned.ensure(job)
            if problem:
                return problem
        answer = self._webui.run(job)
        if self._spawned and answer.kind == "timeout":
            self._webui.interrupt()
        return answer

    def close(self) -> None:
        """Stop the webui, if it was started here."""
        if self._spawned:
            self._spawned.stop()

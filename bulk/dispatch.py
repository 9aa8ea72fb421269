"""Gives the pictures of a plan to webuis until each has its final record.

Webuis pull: whoever has room gets the next. Everything here happens in one thread; what takes time is
done by the executor, and comes back as answers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bulk import records
from bulk.admission import Admission, RefusedError
from bulk.answers import Answer, Make, Probe
from bulk.executors.base import Executor
from bulk.hosts import WINDOW, Host
from bulk.journal import Finished, Journal
from bulk.plan import Picture, Plan
from bulk.policy import Task, is_hopeless, judge

TICK_SECONDS = 0.2
SLOWER = 3.0
"""A request is repeated elsewhere when it takes this many times what an idle webui takes, at the end."""

End = Literal["finished", "interrupted", "too many failures", "no webui"]


@dataclass
class Limits:
    """What a run puts up with.

    Attributes:
        timeout: the seconds that a request may take at least.
        attempts: how often a request may be to blame before it has failed.
        max_failures: how many pictures may fail from now on.
        patience: the seconds without a webui that is well.
    """

    timeout: float
    attempts: int
    max_failures: float
    patience: float


@dataclass
class Run:
    """What is going on, for the driver and for whoever shows it."""

    hosts: list[Host]
    done: int
    failed: int
    total: int
    repeated: int = 0
    stopping: bool = False
    notes: deque[str] = field(default_factory=deque)

    @property
    def left(self) -> int:
        """Pictures without a final record."""
        return self.total - self.done - self.failed

    def say(self, note: str) -> None:
        """Have something told to people."""
        self.notes.append(note)


class Dispatcher:
    """One run over a plan's open pictures."""

    def __init__(
        self,
        run: Run,
        plan: Plan,
        journal: Journal,
        executor: Executor,
        admission: Admission,
        limits: Limits,
    ) -> None:
        self._state = run
        self._plan = plan
        self._journal = journal
        self._executor = executor
        self._admission = admission
        self._limits = limits
        self._version = ""
        self._fresh: Iterator[Picture] = iter(())
        self._again: deque[Task] = deque()
        self._tickets: dict[int, tuple[Host, Task | None]] = {}
        self._last_ticket = 0
        self._well_at = time.monotonic()
        self._failed_before = run.failed

    def begin(self, version: str) -> None:
        """Take the plan's open pictures; the first webui has been admitted, and the keys are known."""
        self._version = version
        self._failed_before = self._state.failed
        self._fresh = self._plan.open_pictures()

    def run(self, until: Callable[[], bool], tick: Callable[[], None]) -> End:
        """Work until ``until`` says so, or there is a reason to stop; ``tick`` is called all the time."""
        while not until():
            now = time.monotonic()
            self._probe(now)
            if not self._state.stopping:
                self._give_out(now)
            self._take_in(self._executor.wait(TICK_SECONDS))
            tick()
            end = self._reason_to_stop()
            if end:
                return end
        return "finished"

    def is_finished(self) -> bool:
        """Whether every picture of the plan has its record."""
        return self._state.left == 0

    def _reason_to_stop(self) -> End | None:
        state = self._state
        if state.failed - self._failed_before > self._limits.max_failures:
            return "too many failures"
        if state.stopping:
            is_idle = not any(host.running for host in state.hosts)
            return "interrupted" if is_idle else None
        if any(host.state in ("ready", "waiting") for host in state.hosts):
            self._well_at = time.monotonic()
        all_out = all(host.state == "out" for host in state.hosts)
        waited = time.monotonic() - self._well_at > self._limits.patience
        return "no webui" if all_out or waited else None

    # --- webuis -----------------------------------------------------------------------------------------

    def _probe(self, now: float) -> None:
        for number, host in enumerate(self._state.hosts):
            if host.state == "new" or (host.state == "sick" and now >= host.next_probe):
                host.state = "probing"
                job = Probe(self._limits.timeout, names=not host.is_admitted)
                self._executor.submit(number, self._ticket(host, None), job)

    def _ticket(self, host: Host, task: Task | None) -> int:
        self._last_ticket += 1
        self._tickets[self._last_ticket] = (host, task)
        return self._last_ticket

    def _probed(self, host: Host, answer: Answer) -> None:
        """Take a webui in or back, let it rest, or leave it alone; and settle what waited for that."""
        if host.state == "out":
            return
        if judge(answer) in ("out", "failed"):
            self._leave(host, answer.reason)
        elif answer.kind != "picture":
            host.fell_sick(answer.in_short, time.monotonic())
        else:
            self._admit(host, answer)
        for task in host.no_longer_held():
            faults = task.blamed if host.state == "ready" else task.broken
            faults[host.name] += 1
            self._again_or_failed(task, host)

    def _admit(self, host: Host, answer: Answer) -> None:
        try:
            for other, note in self._admission.take(host, answer):
                if note:
                    self._state.say(f"{other.name} {note}")
        except RefusedError as refusal:
            host.missing = refusal.missing
            self._leave(host, str(refusal))

    def _leave(self, host: Host, reason: str) -> None:
        host.leaves(reason)
        self._state.say(f"{host.name} is left out: {reason}")
        for task in host.no_longer_held():
            self._retry(task)

    # --- requests ---------------------------------------------------------------------------------------

    def _give_out(self, now: float) -> None:
        """Give every webui that is well what it has room for, the least busy first."""
        for room in range(WINDOW):
            for number, host in enumerate(self._state.hosts):
                if host.state == "ready" and len(host.running) == room:
                    task = self._next(host, now)
                    if task is not None:
                        self._send(number, host, task, now)

    def _next(self, host: Host, now: float) -> Task | None:
        others = {other.name for other in self._state.hosts if other.state == "ready"} - {host.name}
        for place, task in enumerate(self._again):
            if not task.avoids(host.name) or all(map(task.avoids, others)):
                del self._again[place]
                return task
        picture = next(self._fresh, None)
        if picture is not None:
            return Task(picture)
        return None if host.running or self._again else self._slowest(host, now)

    def _slowest(self, host: Host, now: float) -> Task | None:
        """Return a request that an idle webui will probably have done sooner than the one that has it."""
        usual = host.median_seconds
        running = [item for other in self._state.hosts for item in other.running.values()]
        alone = [
            (sent, task)
            for task, sent in running
            if len(task.running_on) == 1 and not task.is_recorded and not task.avoids(host.name)
        ]
        if usual is None or not alone:
            return None
        sent, task = min(alone, key=lambda item: item[0])
        if now - sent < max(1.0, SLOWER * usual):
            return None
        self._state.repeated += 1
        return task

    def _send(self, number: int, host: Host, task: Task, now: float) -> None:
        task.attempts += 1
        task.running_on.add(host.name)
        ticket = self._ticket(host, task)
        host.running[ticket] = (task, now)
        job = Make(task.picture.request, host.timeout(self._limits.timeout))
        self._executor.submit(number, ticket, job)

    def _take_in(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Settle answers; the records of all of them are written together."""
        finished: list[Finished] = []
        for ticket, answer in answers:
            host, task = self._tickets.pop(ticket)
            if task is None:
                self._probed(host, answer)
                continue
            host.running.pop(ticket)
            task.running_on.discard(host.name)
            if not task.is_recorded:
                self._settle(host, task, answer, finished)
        if finished:
            self._journal.add(finished)

    def _settle(self, host: Host, task: Task, answer: Answer, finished: list[Finished]) -> None:
        task.last = answer
        verdict = judge(answer)
        if verdict == "done":
            self._done(host, task, answer, finished)
        elif verdict == "failed":
            finished.append(self._failure(host, task, answer))
        elif verdict == "out":
            self._leave(host, answer.reason)
            self._retry(task)
        elif verdict == "doubt" and host.state == "out":
            self._retry(task)  # no probe will tell which of the two is to blame
        else:
            host.is_suspect(answer.in_short, time.monotonic())
            if verdict == "doubt":
                host.held.append(task)
                return
            if answer.kind == "broken":
                task.broken[host.name] += 1
            self._again_or_failed(task, host)

    def _done(self, host: Host, task: Task, answer: Answer, finished: list[Finished]) -> None:
        made = answer.made
        assert made is not None  # noqa: S101 -- what makes it "done"
        try:
            self._admission.check_model(task.picture.request, made.model_hash)
        except RefusedError as refusal:
            self._leave(host, str(refusal))
            self._retry(task)
            return
        host.made += 1
        host.seconds.append(answer.seconds)
        record = records.of_made(self._plan, task.picture, self._version, host.name, answer, made)
        record["attempt"] = task.attempts
        task.is_recorded = True
        self._state.done += 1
        finished.append(Finished(record, made.png))

    def _failure(self, host: Host, task: Task, answer: Answer) -> Finished:
        task.is_recorded = True
        self._state.failed += 1
        record = records.of_failed(self._plan, task.picture, self._version, host.name, answer)
        record["attempt"] = task.attempts
        self._state.say(
            f"line {record['lines'][0]} has failed at {host.name}: {answer.reason[:200]}"
        )
        return Finished(record, None)

    def _retry(self, task: Task) -> None:
        if not task.is_recorded and not task.running_on:
            self._again.append(task)

    def _again_or_failed(self, task: Task, host: Host) -> None:
        """Let a request wait for another try, unless it has had enough of them."""
        if task.is_recorded:
            return
        others = {other.name for other in self._state.hosts if other.state == "ready"} - {host.name}
        answer = task.last
        if answer is not None and is_hopeless(task, self._limits.attempts, others):
            self._journal.add([self._failure(host, task, answer)])
        else:
            self._retry(task)

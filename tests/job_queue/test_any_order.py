"""Whatever happens in whatever order, with the server killed at any moment: no picture is lost or doubled.

The model is a list for each window. A picture's life is played step by step (on record, file, log, done),
and the server can end between any two of them; what the host does with an announced picture afterwards is
done here as ``host/tab/record.py`` does it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue.jobs import Announced, Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.job_queue.store import SplitStore, Store

pytestmark = pytest.mark.slow

WINDOWS = ("window-one-------", "window-two-------")
windows = st.sampled_from(WINDOWS)
picks = st.integers(0, 50)


class Jobs(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.count = 0
        self.wanted: dict[str, int] = {}  # pictures of each job that was not removed
        self.waiting: dict[str, list[str]] = {window: [] for window in WINDOWS}
        self.files: list[str] = []
        self.log: list[str] = []
        self.skipped: set[str] = set()
        self.running: str | None = None
        self.start()

    def start(self):
        self.store = Store.open(self.folder)
        self.queue = JobQueue(SplitStore(self.store))
        for job in self.queue.unsettled():
            self.settle(job)

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    # ---- the worker's steps ----

    def settle(self, job):
        made = job.announced.picture
        if made.file not in self.files:
            self.queue.withdraw(job.id)
            return
        if made.file not in self.log:
            self.log.append(made.file)
        self.queue.picture_made(job.id, made)

    @precondition(lambda self: self.running is None)
    @rule()
    def take(self):
        job = self.queue.take()
        if job is not None:
            assert self.waiting[job.window].pop(0) == job.id
            self.running = job.id

    @precondition(lambda self: self.running is not None)
    @rule(killed_after=st.integers(0, 4))
    def make_a_picture(self, killed_after):
        job = self.queue.now(self.running)
        if job.next_index >= job.image_number:
            return
        made = Made(job.next_index, f"{job.id}-{job.next_index}-{len(self.files)}", "text", 5)
        steps = (
            lambda: self.queue.announce(job.id, Announced(made, {})),
            lambda: self.files.append(made.file),
            lambda: self.log.append(made.file),
            lambda: self.queue.picture_made(job.id, made),
        )
        for step in steps[:killed_after]:
            step()
        if killed_after < len(steps):
            self.kill()

    @precondition(lambda self: self.running is not None)
    @rule()
    def skip_a_picture(self):
        job = self.queue.now(self.running)
        if job.next_index < job.image_number:
            self.skipped.add(f"{job.id}-{job.next_index}")
            self.queue.skipped(job.id, job.next_index)

    @precondition(lambda self: self.running is not None)
    @rule()
    def finish(self):
        job = self.queue.now(self.running)
        if job.next_index >= job.image_number:
            self.queue.finish(job.id, comments="", seconds=0, stopped=False)
            self.running = None

    @precondition(lambda self: self.running is not None)
    @rule()
    def fail_and_try_again(self):
        job = self.queue.now(self.running)
        self.queue.fail(job.id, "no memory")
        self.queue.retry(job.window, job.id)
        self.waiting[job.window].append(job.id)
        self.running = None

    @rule()
    def kill(self):
        if self.running is not None:
            window = self.queue.now(self.running).window
            self.waiting[window].insert(0, self.running)
            self.running = None
        self.store.close()
        self.start()

    # ---- the windows ----

    @rule(window=windows, image_number=st.integers(1, 3))
    def add(self, window, image_number):
        self.count += 1
        name = f"job{self.count}"
        job = QueuedJob(name, window, "generate", {}, seed=5, image_number=image_number)
        self.queue.add(job, b"pixels" if self.count % 2 else None)
        self.wanted[name] = image_number
        self.waiting[window].append(name)

    @rule(window=windows, pick=picks)
    def remove(self, window, pick):
        waiting = self.waiting[window]
        if not waiting:
            return
        name = waiting[pick % len(waiting)]
        self.queue.remove(window, name)
        waiting.remove(name)
        del self.wanted[name]

    @rule(window=windows, pick=picks, to=picks)
    def move(self, window, pick, to):
        waiting = self.waiting[window]
        if not waiting:
            return
        name = waiting.pop(pick % len(waiting))
        to %= len(waiting) + 1
        self.queue.move(window, name, waiting[to] if to < len(waiting) else None)
        waiting.insert(to, name)

    @rule(window=windows, pick=picks)
    def meddle_with_anothers_job(self, window, pick):
        others = self.waiting[WINDOWS[1 - WINDOWS.index(window)]]
        if others:
            with pytest.raises(RequestError):
                self.queue.remove(window, others[pick % len(others)])

    # ---- what always holds ----

    @invariant()
    def every_window_sees_its_jobs_in_order(self):
        for window in WINDOWS:
            jobs = self.queue.view(window).jobs
            assert [j.id for j in jobs if j.state == "waiting"] == self.waiting[window]

    @invariant()
    def all_places_are_taken_once(self):
        places = [p for window in WINDOWS for p in self.queue.view(window).places.values()]
        assert sorted(places) == list(range(1, len(places) + 1))

    @invariant()
    def no_picture_is_logged_twice(self):
        names = [file.rpartition("-")[0] for file in self.log]
        assert len(names) == len(set(names))
        assert set(self.log) <= set(self.files)

    @precondition(lambda self: self.count > 0)
    @rule()
    def run_all(self):
        """In the end, every picture of every job that nobody removed is in the log, once."""
        while True:
            if self.running is None:
                self.take()
            if self.running is None:
                break
            self.make_a_picture(4)
            self.finish()
        logged = [file.rpartition("-")[0] for file in self.log]
        for name, number in self.wanted.items():
            for index in range(number):
                assert logged.count(f"{name}-{index}") == (f"{name}-{index}" not in self.skipped)


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

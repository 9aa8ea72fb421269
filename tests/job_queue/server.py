"""A queue in a folder, and what the tests do with it."""

from __future__ import annotations

from fooocus_ext.job_queue.jobs import Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.job_queue.store import SplitStore, Store

WINDOW, OTHER = "window-one-------", "window-two-------"


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


class Server:
    """A queue in a folder, and what a test does with it."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.store = self.queue = None
        self.start()

    def start(self):
        self.store = Store.open(self.folder)
        self.queue = JobQueue(SplitStore(self.store), self.clock)

    def restart(self):
        """End as a killed process does: nothing is told that it ends."""
        self.store.close()
        self.start()

    def add(self, name, window=WINDOW, source=None, mask=None, **values):
        job = QueuedJob(id=name, window=window, action="generate", values={}, seed=5, **values)
        self.queue.add(job, source, mask)

    def source(self, job):
        return self.queue.picture_kept(self.queue.now(job).source)

    def pictures(self):
        """The pictures on disk that jobs start from."""
        return [file.read_bytes() for file in self.folder.glob("*-pictures/*")]

    def waiting(self, window=WINDOW):
        return [job.id for job in self.queue.view(window).jobs if job.state == "waiting"]

    def run(self, **values):
        """Run the next job to its end; its pictures are called after it."""
        job = self.queue.take()
        for index in range(job.next_index, job.image_number):
            self.queue.picture_made(job.id, picture(job.id, index))
        self.queue.finish(job.id, **{"comments": "", "seconds": 1.0, "stopped": False, **values})
        return job.id

    def shown(self, window=WINDOW, **how):
        return [m.file for job in self.queue.shown(window, **how) for m in job.made]


def picture(job, index):
    return Made(index, f"{job}-{index}.png", "Steps: 1", 5 + index)

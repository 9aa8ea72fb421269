"""The queue of this server: opened once, worked through by one thread, reached by the page's script."""

from __future__ import annotations

import functools
import time
from typing import Any

from fastapi import FastAPI
from modules import progress, shared

from fooocus_ext.api import queue as queue_api
from fooocus_ext.host.http.authentication import page_login
from fooocus_ext.host.http.gate import add_routes
from fooocus_ext.host.jobs import outputs
from fooocus_ext.host.machine import assets
from fooocus_ext.host.sampling import samplings
from fooocus_ext.host.tab import record, submit, work
from fooocus_ext.host.tab.worker import Worker
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.job_queue.store import SplitStore, Store


def register(_demo: Any, app: FastAPI) -> None:
    """Add the queue's routes to the webui's server, and go on with what waits since before it ended."""
    worker = _worker()  # opens the queue before two requests can, each for itself
    routes = queue_api.router(queue_api.Services(jobs, _add, _interrupt, _skip))
    add_routes(app, routes, page_login(app))
    worker.start()


@functools.cache
def jobs() -> JobQueue:
    """Return the queue of this server."""
    queue = JobQueue(SplitStore(Store.open(assets.user_folder() / "queue")))
    for job in queue.unsettled():
        record.settle(queue, job)
    return queue


@functools.cache
def _worker() -> Worker:
    """Return what works through the queue."""
    return Worker(jobs(), work.make)


def _add(asked: queue_api.ToAdd) -> None:
    submit.add(jobs(), asked)
    _worker().start()


def _interrupt(job: str) -> None:
    """Stop a job, if it is the one that runs."""
    if progress.current_task == job:
        shared.state.interrupt()


def _skip(job: str) -> None:
    """Skip the picture that is being made, if it is that job's."""
    if progress.current_task == job:
        shared.state.skip()


def say_progress(params: Any) -> None:
    """Callback before each model call: tell the page which picture and which step it is."""
    owner = getattr(params, "denoiser", None) or samplings.current()  # named from webui 1.8 on
    output = None if owner is None else outputs.output_of(owner.p)
    if output is None:
        return
    state = shared.state
    if state.job_no == 0 and state.sampling_step == 0:
        # The host reckons the time left from here on: loading a model says nothing about sampling.
        state.time_start = time.time()
    step = min(state.sampling_step + 1, state.sampling_steps)
    first = output.first_index
    state.textinfo = (
        f"Picture {first + min(state.job_no + 1, state.job_count)} of {first + state.job_count}, "
        f"step {step} of {state.sampling_steps}"
    )

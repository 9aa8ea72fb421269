"""One generation at a time, its failure shown; doubles the host's `modules/call_queue.py`."""

from __future__ import annotations

import html
import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from modules import devices, fifo_lock, progress, shared

logger = logging.getLogger("fooocus.embedded")

queue_lock = fifo_lock.FIFOLock()
MOST_ARGUMENTS_LOGGED = 4096


def wrap_queued_call(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func`, holding the queue's lock while it runs."""

    @wraps(func)
    def queued(*args: Any, **kwargs: Any) -> Any:
        with queue_lock:
            return func(*args, **kwargs)

    return queued


def task_id(args: tuple[Any, ...]) -> str | None:
    """The first argument where it is a task's id, "task(...)"; else None."""
    first = args[0] if args else None
    is_task = isinstance(first, str) and first.startswith("task(") and first.endswith(")")
    return first if is_task else None


def wrap_gradio_gpu_call(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None
) -> Callable[..., tuple]:
    """`func` as a job: queued, its progress followed, its failure shown in the last output."""

    @wraps(func)
    def job(*args: Any, **kwargs: Any) -> Any:
        identifier = task_id(args)
        if identifier is not None:
            progress.add_task_to_queue(identifier)
        with queue_lock:
            shared.state.begin(job=identifier)
            progress.start_task(identifier)
            try:
                result = func(*args, **kwargs)
                progress.record_results(identifier, result)
            finally:
                progress.finish_task(identifier)
            shared.state.end()
        return result

    return wrap_gradio_call(job, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None, add_stats: bool = False
) -> Callable[..., tuple]:
    """`func` as a page event that leaves the job's state clean however it ends."""

    @wraps(func)
    def clean(*args: Any, **kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        finally:
            shared.state.skipped = False
            shared.state.interrupted = False
            shared.state.stopping_generation = False
            shared.state.job_count = 0
            shared.state.job = ""

    return wrap_gradio_call_no_job(clean, extra_outputs, add_stats)


def wrap_gradio_call_no_job(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None, add_stats: bool = False
) -> Callable[..., tuple]:
    """`func` as a page event: an exception becomes `extra_outputs` and its text as HTML.

    With `add_stats` the last output, which must be text, gets the time taken.
    """

    @wraps(func)
    def event(*args: Any, **kwargs: Any) -> tuple:
        started = time.perf_counter()
        try:
            outputs = list(func(*args, **kwargs))
        except Exception as error:
            arguments = f"{args} {kwargs}"[:MOST_ARGUMENTS_LOGGED]
            logger.exception("Error completing request\nArguments: %s", arguments)
            message = html.escape(f"{type(error).__name__}: {error}")
            blank = [None, ""] if extra_outputs is None else extra_outputs
            outputs = [*blank, f"<div class='error'>{message}</div>"]
        devices.torch_gc()
        if add_stats:
            outputs[-1] += _time_taken(time.perf_counter() - started)
        return tuple(outputs)

    return event


def _time_taken(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes:.0f} min. {rest:.1f} sec." if minutes else f"{rest:.1f} sec."
    return (
        "<div class='performance'><p class='time'>Time taken: "
        f"<wbr><span class='measurement'>{text}</span></p></div>"
    )

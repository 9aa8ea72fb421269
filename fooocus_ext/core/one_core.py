"""Running a chain of short tensor operations on one CPU core, or on those that nothing else uses.

torch divides each operation above 32768 elements over its threads and waits for all of them before
the next. For hundreds of operations of some ten microseconds that wait costs as much as it gains,
and on a machine that is busy otherwise it costs far more: each time, one thread waits until the
other gets a core. Measured with five busy processes on two cores, the filter of 4x4x128x128 took
1880 ms on two threads and 70 ms on one. A step of a language model is of the same kind: fifty matrix
products, bound by the speed of memory. On two idle cores it takes 0.7 of its time, on two busy ones 15
times as long: it is worth to look whether they are idle (``idle_threads``), and to stop when they no
longer are.
"""

from __future__ import annotations

import functools
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
Result = TypeVar("Result")
TensorFunction = Callable[Concatenate[torch.Tensor, P], torch.Tensor]

_starting = threading.Lock()
_team = threading.Lock()
_here = threading.local()
_MOST_CORES = 4  # each keeps buffers of its own, and few calls have more to share out
_RUNNING = Path("/proc/loadavg")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_LOOKS = 5
_SECONDS_BETWEEN_LOOKS = 0.001


def run_on_one_core(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, computed in a thread whose operations torch does not divide.

    Calls wait for each other; one from within runs where it is. What ``call`` raises is raised. The
    number of threads that torch uses elsewhere in the process stays as it is.
    """
    allowed = torch.get_num_threads()
    if allowed == 1:
        return call()
    with _starting:
        worker, *helpers = (
            _worker(os.getpid(), 1, number) for number in range(min(allowed, _MOST_CORES))
        )
    return worker.submit(_run_beside, helpers, call).result()


def run_each(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Return what each call returns, in order, inside of a call that ``run_on_one_core`` runs.

    They run at the same time, one on each core that torch would use, four at most, and in inference
    mode, whose views cost the least. They do not wait for each other, so a core that something else
    uses does not stop the rest.
    """
    workers: list[ThreadPoolExecutor] = getattr(_here, "helpers", [])
    count = max(1, min(len(calls), 1 + len(workers)))
    shares = [
        worker.submit(_run_all, calls[number::count])
        for number, worker in enumerate(workers[: count - 1], 1)
    ]
    results = [_run_all(calls[0::count]), *(share.result() for share in shares)]
    return [results[place % count][place // count] for place in range(len(calls))]


@torch.inference_mode()
def _run_all(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    return [call() for call in calls]


def _run_beside(helpers: list[ThreadPoolExecutor], call: Callable[[], Result]) -> Result:
    _here.helpers = helpers
    return call()


def run_with_threads(threads: int, call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, computed in a thread whose operations torch divides over ``threads``.

    Calls wait for each other. What ``call`` raises is raised.
    """
    with _team:
        worker = _worker(os.getpid(), threads)
        return worker.submit(call).result()


def idle_threads() -> int:
    """Return how many threads torch would use here, but no more than there are idle cores, and at least one.

    As Linux counts what runs at this moment, and macOS on average of the last minute. One on Windows,
    which counts neither.
    """
    allowed = torch.get_num_threads()
    return 1 if allowed == 1 else threads_beside(_running_elsewhere(), _cores(), allowed)


def threads_beside(running: float, cores: float, allowed: int) -> int:
    """Return how many threads are left on ``cores`` beside ``running`` others, 1 to ``allowed``."""
    return int(min(allowed, max(1.0, cores - running)))


def on_one_core(function: TensorFunction[P]) -> TensorFunction[P]:
    """Make a function of tensors run without gradients and, if its first tensor is on the CPU, serially."""
    inference = torch.no_grad()(function)

    @functools.wraps(function)
    def call(first: torch.Tensor, /, *args: P.args, **kwargs: P.kwargs) -> torch.Tensor:
        if first.device.type != "cpu":
            return inference(first, *args, **kwargs)
        return run_on_one_core(functools.partial(inference, first, *args, **kwargs))

    return call


@functools.cache
def _worker(_process: int, threads: int, number: int = 0) -> ThreadPoolExecutor:
    """Return this process's thread of that number whose operations torch divides over so many threads.

    torch keeps the number of threads per thread, and takes the last one set as the default of new
    threads; that default is put back once the worker has its own.
    """
    others_use = torch.get_num_threads()
    worker = ThreadPoolExecutor(1, thread_name_prefix=f"fooocus-{threads}-cores-{number}")
    worker.submit(_use_threads, threads).result()
    torch.set_num_threads(others_use)
    return worker


def _use_threads(count: int) -> None:
    torch.get_num_threads()  # makes torch set up this thread, which would otherwise undo the next line
    torch.set_num_threads(count)


def _running_elsewhere() -> float:
    """Return how many threads run beside this one: what half of a few looks found at most."""
    try:
        looks = []
        for _ in range(_LOOKS):
            looks.append(int(_RUNNING.read_text("ascii").split()[3].partition("/")[0]) - 1)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return statistics.median_low(looks)
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("inf")


def _cores() -> float:
    """Return how many cores this process may use: those it is bound to, and its container's share."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = _QUOTA.read_text("ascii").split()
        return min(bound or 1, int(quota) / int(period))
    except (OSError, ValueError):  # no limit reads "max"
        return bound or 1

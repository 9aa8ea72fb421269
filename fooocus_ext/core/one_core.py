"""Running a chain of short tensor operations on one CPU core, whatever else the machine does.

torch divides each operation above 32768 elements over its threads and waits for all of them before
the next. For hundreds of operations of some ten microseconds that wait costs as much as it gains,
and on a machine that is busy otherwise it costs far more: each time, one thread waits until the
other gets a core. Measured with five busy processes on two cores, the filter of 4x4x128x128 took
1880 ms on two threads and 70 ms on one. A step of a small language model is of the same kind: fifty
matrix products, bound by the speed of memory.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
Result = TypeVar("Result")
TensorFunction = Callable[Concatenate[torch.Tensor, P], torch.Tensor]

_starting = threading.Lock()


def run_on_one_core(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, computed in a thread whose operations torch does not divide.

    Calls wait for each other; one from within runs where it is. What ``call`` raises is raised. The
    number of threads that torch uses elsewhere in the process stays as it is.
    """
    if torch.get_num_threads() == 1:
        return call()
    with _starting:
        worker = _worker(os.getpid())
    return worker.submit(call).result()


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
def _worker(_process: int) -> ThreadPoolExecutor:
    """Return this process's only thread whose operations torch does not divide.

    torch keeps the number of threads per thread, and takes the last one set as the default of new
    threads; that default is put back once the worker has its own.
    """
    others_use = torch.get_num_threads()
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-one-core")
    worker.submit(_use_one_thread).result()
    torch.set_num_threads(others_use)
    return worker


def _use_one_thread() -> None:
    torch.get_num_threads()  # makes torch set up this thread, which would otherwise undo the next line
    torch.set_num_threads(1)

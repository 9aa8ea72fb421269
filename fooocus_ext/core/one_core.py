"""Running a chain of short tensor operations on one CPU core, whatever else the machine does.

torch divides each operation above 32768 elements over its threads and waits for all of them before
the next. For hundreds of operations of some ten microseconds that wait costs as much as it gains,
and on a machine that is busy otherwise it costs far more: each time, one thread waits until the
other gets a core. Measured with five busy processes on two cores, the filter of 4x4x128x128 took
1880 ms on two threads and 70 ms on one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec

import torch

P = ParamSpec("P")
TensorFunction = Callable[Concatenate[torch.Tensor, P], torch.Tensor]


def on_one_core(function: TensorFunction[P]) -> TensorFunction[P]:
    """Make a function of tensors run without gradients and, if its first tensor is on the CPU, serially.

    The thread that calls it, and the number of threads that others use, stay as they are.
    """
    inference = torch.no_grad()(function)

    @functools.wraps(function)
    def call(first: torch.Tensor, /, *args: P.args, **kwargs: P.kwargs) -> torch.Tensor:
        if first.device.type != "cpu" or torch.get_num_threads() == 1:
            return inference(first, *args, **kwargs)
        return _worker(os.getpid()).submit(inference, first, *args, **kwargs).result()

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

"""Computing on one core, whatever the rest of the program uses.

A step of the language model is some fifty short matrix products, bound by the speed of memory. A second
thread makes them 10% faster on an idle machine; on a busy one it makes them many times slower, for each
product waits until both threads had their turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

Result = TypeVar("Result")
_starting = threading.Lock()


def on_one_core(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, computed in a thread whose torch operations do not branch out.

    Calls wait for each other. What ``call`` raises is raised. The number of threads that torch uses
    elsewhere in the program does not change.
    """
    with _starting:
        worker = _worker()
    return worker.submit(call).result()


@lru_cache(maxsize=1)
def _worker() -> ThreadPoolExecutor:
    """Start the thread; torch has a number of threads for each thread, and a default for new ones."""
    default = torch.get_num_threads()
    worker = ThreadPoolExecutor(1, "fooocus-expander", initializer=_use_one_core)
    worker.submit(torch.get_num_threads).result()
    torch.set_num_threads(default)
    return worker


def _use_one_core() -> None:
    torch.get_num_threads()  # takes the default over, which would otherwise happen later
    torch.set_num_threads(1)

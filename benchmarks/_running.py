"""Running one benchmark, in this process or in one of its own."""

from __future__ import annotations

import importlib
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from benchmarks._figures import Figure, Unavailable

_METHOD = "fork" if sys.platform == "linux" else "spawn"
"""A fork has torch imported already, which takes two seconds."""


def measured(name: str) -> tuple[list[Figure], str]:
    """Return a benchmark's figures, or none and why."""
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", file=sys.stderr, flush=True)
        return module.measure(), ""
    except Unavailable as reason:
        return [], str(reason)
    except Exception as error:  # noqa: BLE001 - it is told, and the others' figures are not lost
        traceback.print_exc()
        return [], f"{type(error).__name__}: {error}"


def in_its_own_process(name: str) -> tuple[list[Figure], str]:
    """Return the same from a new process; that it was killed is a reason, too.

    This process must not have used torch yet: neither its threads nor CUDA outlive a fork.
    """
    try:
        with ProcessPoolExecutor(1, mp_context=get_context(_METHOD)) as process:
            return process.submit(measured, name).result()
    except BrokenProcessPool as error:
        return [], str(error)

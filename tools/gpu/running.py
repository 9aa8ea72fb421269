"""Runs each part in processes of its own, so that whatever breaks one leaves the others alone.

An error of CUDA can make a whole process useless, a limit of memory holds for a process, and the
embedded webui is started once per process. What takes too long is ended.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from tools.gpu.report import FAILED, NEEDS_CUDA, NOT_RUN, PASSED, Figure, PartResult

CUDA, CPU = "cuda", "cpu"
INTERRUPTED = "interrupted"
END_SECONDS = 10
"""for a process that has answered to end by itself"""
Found = Any
"""what a run returns: something that can be pickled, and that its part knows how to judge"""


@dataclass(frozen=True)
class Setting:
    """Where a part runs, and whether it is to be short.

    Attributes:
        device: CUDA or CPU.
        quick: sizes and counts are small, to try the program itself.
        folder: where the embedded webuis keep their files; the parts share it.
    """

    device: str
    quick: bool
    folder: str

    @property
    def on_cuda(self) -> bool:
        """Whether a GPU computes."""
        return self.device == CUDA


def as_they_are(found: Mapping[str, Found], _setting: Setting) -> Sequence[Figure]:
    """Return the figures of all runs, for parts whose runs return some."""
    return [figure for figures in found.values() for figure in figures]


@dataclass(frozen=True)
class Part:
    """One thing to check.

    Attributes:
        key: its name on the command line.
        title: its name in the table.
        budget: how many seconds all of its runs may take together.
        runs: name -> a function, defined in a module, that runs in a process of its own.
        judge: makes figures of what the runs returned.
        needs_cuda: whether nothing of it can run on a CPU.
        of_cuda: those of its runs that need CUDA, or are what only CUDA's are compared with.
    """

    key: str
    title: str
    budget: float
    runs: Mapping[str, Callable[[Setting], Found]]
    judge: Callable[[Mapping[str, Found], Setting], Sequence[Figure]] = as_they_are
    needs_cuda: bool = False
    of_cuda: frozenset[str] = frozenset()


class PartError(Exception):
    """A run failed; says how."""


def run_part(part: Part, setting: Setting, patience: float = 1.0) -> PartResult:
    """Run a part; whatever happens in it is in the result, INTERRUPTED included.

    ``patience`` multiplies its budget.
    """
    begin, budget = time.monotonic(), part.budget * patience

    def result(status: str, reason: str, figures: Sequence[Figure] = ()) -> PartResult:
        taken = round(time.monotonic() - begin, 1)
        return PartResult(part.key, part.title, status, reason, taken, budget, tuple(figures))

    if part.needs_cuda and not setting.on_cuda:
        return result(NOT_RUN, NEEDS_CUDA)
    found = {}
    try:
        for name, run in part.runs.items():
            if setting.on_cuda or name not in part.of_cuda:
                left = begin + budget - time.monotonic()
                found[name] = _in_its_own_process(run, setting, left, budget)
        figures = part.judge(found, setting)
    except PartError as error:
        return result(FAILED, str(error))
    except KeyboardInterrupt:
        return result(FAILED, INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - what broke is to be told, and the other parts to go on
        return result(FAILED, f"{type(error).__name__}: {error}")
    states = {figure.status for figure in figures}
    if FAILED in states:
        return result(FAILED, "", figures)
    return result(NOT_RUN if states <= {NOT_RUN} else PASSED, "", figures)


def _in_its_own_process(
    run: Callable[[Setting], Found], setting: Setting, seconds: float, budget: float
) -> Found:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(run, setting, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(max(seconds, 0)):
            raise PartError(f"took longer than the {budget:g} s that it has")
        found, error = ours.recv()
        process.join(END_SECONDS)
    except EOFError:
        process.join()
        raise PartError(f"its process ended with status {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if error:
        raise PartError(error)
    return found


def _answer(run: Callable[[Setting], Found], setting: Setting, answer: Connection) -> None:
    """In the process of a run: send (what it returned, "") or (None, what went wrong)."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the table stands alone
            found = run(setting)
    except BaseException as error:  # noqa: BLE001 - also what ends a process
        traceback.print_exc()
        answer.send((None, f"{type(error).__name__}: {error}"))
    else:
        answer.send((found, ""))

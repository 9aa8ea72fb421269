"""Ways of measuring that treat both sides alike."""

from __future__ import annotations

import ctypes
import glob
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks._figures import Unavailable

WAITED = "/proc/self/task/*/schedstat"
"""of each thread of this process the nanoseconds that it ran and that it waited for a core, on Linux"""
_TRIM_THRESHOLD, _MOST_MAPPED = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of mallopt(3)
_KEEPS = {_TRIM_THRESHOLD: 2**31 - 1, _MOST_MAPPED: 0}
_GIVES_BACK = {_TRIM_THRESHOLD: 128 * 1024, _MOST_MAPPED: 65536}  # glibc's defaults
MOST_WAITING = 0.1
"""of the time"""


def interleaved_medians(
    sides: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Call every side once a round, in turn, and return the median duration of each in seconds.

    Whatever else the machine does during a round then slows all sides, and the few rounds that it
    disturbs do not move a median.

    What takes seconds is disturbed in every round; ``clock=time.process_time`` leaves out the time
    that other programs take, but also the time spent waiting.
    """
    durations: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-warm_up, rounds):
        for name, call in sides.items():
            begin = clock()
            call()
            duration = clock() - begin
            if number >= 0:
                durations[name].append(duration)
    return {name: statistics.median(taken) for name, taken in durations.items()}


def synchronised(call: Callable[[], object]) -> Callable[[], None]:
    """Return a call that ends when the GPU has done its work."""

    def call_and_wait() -> None:
        call()
        torch.cuda.synchronize()

    return call_and_wait


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch use one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def freed_memory_kept() -> Iterator[bool]:
    """Have the C library keep what is freed, however large; tell whether it can be told so (glibc)."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        yield False
        return
    for parameter, value in _KEEPS.items():
        mallopt(parameter, value)
    try:
        yield True
    finally:
        for parameter, value in _GIVES_BACK.items():
            mallopt(parameter, value)


def seconds_without_core() -> float | None:
    """Return how long the threads of this process have waited for a core; None where nobody counts it."""
    texts = []
    try:
        for path in glob.glob(WAITED):  # noqa: PTH207 -- absolute
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
                texts.append(Path(path).read_text("ascii"))
        return sum(int(text.split()[1]) for text in texts) / 1e9 if texts else None
    except (OSError, ValueError, IndexError):
        return None


class CoresOfItsOwn:
    """Tells whether threads that wait for each other had a core each since this was made.

    Where they had not, a measurement says what else runs on the machine, and little of what was measured.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._begin = time.perf_counter()
        self._waited = seconds_without_core()

    def check(self) -> None:
        """Raise Unavailable if they had not; nothing where nobody counts it."""
        waited = seconds_without_core()
        if waited is None or self._waited is None:
            return
        taken = (time.perf_counter() - self._begin) * self._threads
        share = (waited - self._waited) / taken
        if share > MOST_WAITING:
            raise Unavailable(
                f"its {self._threads} threads had to wait for a core {share:.0%} of the time; "
                "run it where no other program computes"
            )


def peak_extra_bytes(call: Callable[[], object]) -> int:
    """Return the most memory that ``call`` holds at one time beyond what was held before it.

    Counts what torch's CPU allocator hands out and takes back, as its profiler records it. Unlike
    the resident size of the process, that neither depends on earlier runs nor hides reused memory.
    The profiler sees the calling thread alone, and with one thread to use nothing runs elsewhere.
    """
    with one_thread():
        call()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            call()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    changes = sorted(
        (event["ts"], event["args"]["Bytes"]) for event in events if event.get("name") == "[memory]"
    )
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak

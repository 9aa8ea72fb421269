"""Ways of measuring that treat both sides alike."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile


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

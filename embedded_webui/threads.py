"""How many threads make a picture, and how they wait for each other: chosen before torch is loaded.

Its own choice, one thread a core, waiting without sleep, is quick on an idle machine. Where other programs
use the cores, the threads of a small model mostly wait for the one that has none: a picture of two seconds
took 54 seconds of computing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

RUNNING = Path("/proc/loadavg")
LOOKS = 5
SECONDS_BETWEEN_LOOKS = 0.002
MOST_FOR_POCKET = 4
"""more threads than this take longer to meet than they save, with a model as small as Pocket SDXL"""


def choose(*, pocket: bool) -> None:
    """Set what of it the user has not set, by what runs at this moment."""
    count = threads_beside(running_elsewhere(), cores(), MOST_FOR_POCKET if pocket else None)
    if count:
        os.environ.setdefault("OMP_NUM_THREADS", str(count))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def threads_beside(running: int | None, cores: int, most: int | None) -> int | None:
    """Return how many threads there are cores for, one at least; None where torch should choose.

    Args:
        running: threads of other programs that run; None if nobody knows.
        cores: that this process may use.
        most: threads that are of use; None for any number.
    """
    if running is None:
        return None if most is None else min(cores, most)
    return max(1, min(cores - running, most or cores))


def running_elsewhere() -> int | None:
    """Return how many threads run beside this one, or None where the system does not count them."""
    try:
        looks = []
        for _ in range(LOOKS):
            looks.append(int(RUNNING.read_text("ascii").split()[3].partition("/")[0]) - 1)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return sorted(looks)[LOOKS // 2]
    except (OSError, ValueError, IndexError):
        return None


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

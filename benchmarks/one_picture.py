"""`python dev.py run --prompt`: from its start to a picture of 256x256 in 20 steps.

By the clock on the wall, and in time of computing: where other programs use the cores, the one tells of
them and the other of us.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._figures import Figure, Unavailable

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 2
CHOSEN_BY_THE_COMMAND = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")


def measure() -> list[Figure]:
    """Run the command again and again; the first time warms the caches."""
    taken = [_run() for _ in range(1 + ROUNDS)][1:]
    wall, computing = (statistics.median(times) for times in zip(*taken, strict=True))
    return [
        Figure("one_picture.seconds", wall, "s", goal="<= 6"),
        Figure("one_picture.cpu_seconds", computing, "s"),
    ]


def _run() -> tuple[float, float]:
    environment = {k: v for k, v in os.environ.items() if k not in CHOSEN_BY_THE_COMMAND}
    before, begin = os.times(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fooocus-benchmark-") as folder:
        command = [
            sys.executable,
            str(ROOT / "dev.py"),
            "run",
            "--prompt",
            "a red house in the forest",
        ]
        finished = subprocess.run(
            [*command, "--out", str(Path(folder, "picture.png"))],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if finished.returncode:
        reason = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"no picture was made: {reason}")
    after, wall = os.times(), time.perf_counter() - begin
    return wall, (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )

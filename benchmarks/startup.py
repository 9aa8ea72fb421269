"""The time from process start to a page that is served, with the extension and without it.

On the embedded host, with the extension's install.py run first, as a webui does. Times are those of
one thread while it runs, so that other programs do not count; ``startup.added_wall_seconds`` is the
same by the clock on the wall. Of each side the shortest start counts: what else happens only adds to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._figures import Figure, Unavailable
from bulk.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 2
PEER = "the host without the extension"
READY = "ready after"
PROGRAM = f"""
import os, sys, time
import embedded_webui
embedded_webui.bootstrap(sys.argv[1:])
from modules import server
server.launch_page()
print("{READY}", time.process_time(), flush=True)
os._exit(0)
"""


def measure() -> list[Figure]:
    """Start the host again and again, with and without the extension in turn."""
    with tempfile.TemporaryDirectory(prefix="fooocus-benchmark-") as folder:
        flags = ["--data-dir", folder, "--pocket", "--skip-version-check"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(Path(folder, "pycache")),
            "PYTHONDONTWRITEBYTECODE": "",
            "OMP_NUM_THREADS": "1",
        }
        # The first start writes the default checkpoints, and everybody's compiled modules.
        _start(flags, environment)
        pairs = [
            (
                _start([*flags, "--disable-all-extensions"], environment),
                _start(flags, environment, installs=True),
            )
            for _ in range(ROUNDS)
        ]
    figures = []
    for index, key in enumerate(("added_seconds", "added_wall_seconds")):
        absent, present = (min(pair[side][index] for pair in pairs) for side in (0, 1))
        figures.append(
            Figure(
                f"startup.{key}", present - absent, "s", ours=present, peer=absent, peer_name=PEER
            )
        )
    return figures


def _start(
    flags: list[str], environment: dict[str, str], *, installs: bool = False
) -> tuple[float, float]:
    """Return the seconds of computing and of waiting until the page is there."""
    begin = time.perf_counter()
    computing = _seconds_of_install() if installs else 0.0
    command = [sys.executable, "-c", PROGRAM, "--port", str(free_port()), *flags]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    ready = [line for line in finished.stdout.splitlines() if line.startswith(READY)]
    if not ready:
        reason = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"the embedded host does not start: {reason}")
    return computing + float(ready[0].split()[-1]), time.perf_counter() - begin


def _seconds_of_install() -> float:
    before = os.times()
    subprocess.run([sys.executable, str(ROOT / "install.py")], check=True)
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )

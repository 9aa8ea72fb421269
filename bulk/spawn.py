"""Embedded webuis that a run starts itself, restarts when they die, and takes along when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bulk.answers import Answer, Job, Make
from bulk.ports import LOOPBACK, free_port
from bulk.webui import Webui

ROOT = Path(__file__).resolve().parents[1]
WITH_PARENT = Path(__file__).with_name("with_parent.py")
START_SECONDS = 300.0
POLL_SECONDS = 0.25
STOP_SECONDS = 5


@dataclass(frozen=True)
class Spawned:
    """How one webui is started.

    Attributes:
        python: the Python with the embedded webui's requirements.
        folder: where it keeps what it writes.
        flags: more of its own, such as a checkpoint.
        gpu: which one it may use; None leaves that to whoever starts it.
    """

    python: str
    folder: str
    flags: tuple[str, ...] = ()
    gpu: int | None = None

    def keeper(self) -> Keeper:
        """Return what starts it, and keeps it running."""
        return Keeper(self)


class Keeper:
    """One webui, started when it is first needed."""

    def __init__(self, how: Spawned) -> None:
        self._how = how
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"

    def ensure(self, job: Job) -> Answer | None:
        """Return what is in the way of a job, if there is anything; a probe starts what does not run."""
        if isinstance(job, Make):
            running = self._process is not None and self._process.poll() is None
            return None if running else Answer("absent", "has ended, and is started again")
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._wait()

    def _start(self) -> None:
        folder = Path(self._how.folder)
        folder.mkdir(parents=True, exist_ok=True)
        environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(ROOT)}
        if self._how.gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = str(self._how.gpu)
        command = [self._how.python, str(WITH_PARENT), "embedded_webui", "serve", "--nowebui"]
        command += ["--port", str(self._port), "--data-dir", str(folder), *self._how.flags]
        with (folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- a Python that the user names
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for the run alone: the one on POSIX, the other on Windows.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def _wait(self) -> Answer | None:
        """Wait until it answers; return why it does not."""
        webui, deadline = Webui(self.url), time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            process = self._process
            if process is None or process.poll() is not None:
                return Answer("absent", f"ended while it started: see {self._how.folder}/log.txt")
            if webui.is_there():
                return None
            time.sleep(POLL_SECONDS)
        return Answer("timeout", f"has not started within {START_SECONDS:.0f} s")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def gpu_count() -> int:
    """Return how many NVIDIA GPUs this machine has."""
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return 0
    return listing.stdout.count("GPU ")


def own_python() -> str:
    """Return the Python of the repository's .venv, or the one that runs this where there is none."""
    for name in ("bin/python", "Scripts/python.exe"):
        if (ROOT / ".venv" / name).exists():
            return str(ROOT / ".venv" / name)
    return sys.executable

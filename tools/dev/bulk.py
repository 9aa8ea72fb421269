"""The environment of `dev.py bulk`: apart from .venv, because Ray cannot share one with a webui.

Ray's workers do not start beside pydantic 1, which the webui has, and a machine that only sends requests to
webuis needs no torch.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bulk.errors import UsageError
from bulk.options import read
from tools.dev.environment import (
    ROOT,
    SetupError,
    ensure_environment,
    only_one_at_a_time,
    pip_install,
    python_of,
    say,
)

VENV = ROOT / ".venv-bulk"
LOCK = ROOT / "requirements" / "bulk.txt"
RAY_LOCK = ROOT / "requirements" / "bulk-ray.txt"


def prepare(arguments: Sequence[str]) -> Path:
    """Return a Python that can run `bulk` with these arguments; what is missing is installed, and said.

    Raises:
        SetupError: a package could not be installed, or the disk cannot hold it.
        SystemExit: as `read` of its options.
    """
    try:
        options = read(arguments)
    except UsageError:
        return Path(sys.executable)  # it loads nothing to say so
    if options.spawn and not options.python:
        ensure_environment()
    wanted = {LOCK: "bulk.txt: 45 MB to download, 180 MB on disk"}
    if not (options.no_ray or options.status or options.verify):
        wanted[RAY_LOCK] = (
            "bulk-ray.txt, Ray: 75 MB to download, 300 MB on disk; --no-ray does without"
        )
    if not all(map(is_installed, wanted)):
        with only_one_at_a_time():
            for lock, what in wanted.items():
                ensure(lock, what)
    return python_of(VENV)


def stamp_of(lock: Path) -> Path:
    """Return the path of what says which state of a lock was installed."""
    return VENV / f".{lock.stem}"


def fingerprint(lock: Path) -> str:
    """Return a hash of a lock."""
    return hashlib.sha256(lock.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def is_installed(lock: Path) -> bool:
    """Tell whether .venv-bulk has what a lock says."""
    stamp = stamp_of(lock)
    if not (python_of(VENV).exists() and stamp.is_file()):
        return False
    return stamp.read_text(encoding="utf-8") == fingerprint(lock)


def ensure(lock: Path, what: str) -> None:
    """Install what a lock says into .venv-bulk, unless that has been done.

    Where there is no .venv-bulk, or one in which the first installation was never finished, it is made.
    """
    if is_installed(lock):
        return
    python = python_of(VENV)
    started = time.monotonic()
    if not (python.exists() and stamp_of(LOCK).is_file()):
        say("First use: making .venv-bulk, the environment of `bulk` alone.")
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([sys.executable, "-m", "venv", VENV], check=False).returncode != 0:
            raise SetupError(
                f"Python could not make a virtual environment in {VENV}. On Debian and Ubuntu, install "
                "python3.11-venv (or python3.10-venv) and try again."
            )
    say(f"  installing requirements/{what} ...")
    pip_install("--quiet", "--requirement", str(lock), python=python)
    stamp_of(lock).write_text(fingerprint(lock), encoding="utf-8")
    say(f"  done after {time.monotonic() - started:.0f} s.")

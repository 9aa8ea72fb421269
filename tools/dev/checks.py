"""Running checks: programs in .venv that pass or fail, one after another or beside each other."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tools.dev.environment import ROOT, python_of, say, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Outcome = TypeVar("Outcome")


class Check(NamedTuple):
    """One step of `lint` or `test`: what it is called, and the module and arguments that do it."""

    name: str
    arguments: Sequence[str]


LINT = (
    Check("lint", ("ruff", "check", ".")),
    Check("format", ("ruff", "format", "--check", ".")),
    Check("types", ("mypy",)),
)


def run_checks(checks: Sequence[Check], meanwhile: Sequence[Check] = ()) -> int:
    """Run every check, also after one failed, then list how each went; 0 if all passed.

    Those of ``meanwhile`` run one after another beside the others, which they would otherwise leave with
    one busy core; what they say is shown as soon as the others are done.
    """
    beside = ThreadPoolExecutor(1)
    pending = [(check, beside.submit(timed, check, wait_quietly)) for check in meanwhile]
    results = []
    try:
        for check in checks:
            say(title(check))
            results.append((check.name, *timed(check, wait_for)))
        for check, future in pending:
            (status, output), seconds = future.result()
            say(f"{title(check)}\n{output.rstrip()}")
            results.append((check.name, status, seconds))
    finally:
        beside.shutdown(cancel_futures=True)
    say("== summary")
    for name, status, seconds in results:
        say(f"{name:8} {'passed' if status == 0 else 'FAILED'} {seconds:7.1f} s")
    return int(any(status for _name, status, _seconds in results))


def title(check: Check) -> str:
    """Return the line that stands above what a check says."""
    return f"== {check.name}: {' '.join(check.arguments)}"


def timed(check: Check, run: Callable[[Sequence[str | Path]], Outcome]) -> tuple[Outcome, float]:
    """Return what ``run`` makes of a check, and the seconds that it took."""
    started = time.monotonic()
    return run([python_of(), "-m", *check.arguments]), time.monotonic() - started


def wait_quietly(command: Sequence[str | Path]) -> tuple[int, str]:
    """Run a program in the repository and return its status and what it printed."""
    done = subprocess.run(
        command, cwd=ROOT, env=variables(), check=False, text=True, encoding="utf-8",
        errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def wait_for(command: Sequence[str | Path]) -> int:
    """Run a program in the repository and return its status; on Ctrl-C let it end in its own way."""
    with subprocess.Popen(command, cwd=ROOT, env=variables()) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise

"""Renew requirements/*.txt from requirements/*.in, one set of exact pins for Python 3.10 and 3.11.

Needs uv (``pip install uv``), whose universal resolver writes one file for every supported Python and
platform. Run it from anywhere: ``python tools/lock_requirements.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"

# torch's own metadata pins its GPU libraries exactly, and its CPU build wants none of them: listed in the
# lock they would be downloaded (gigabytes) even by those who chose the CPU build.
PINNED_BY_TORCH = re.compile(r"^(nvidia-|cuda-|triton\b)")

# pyproject.toml keeps uv to Python 3.11 and older; saying so on every line is noise.
ALWAYS_TRUE = "python_full_version < '3.12'"

HEADER = "# Made by tools/lock_requirements.py from {source}; edit that file instead of this one.\n"


def compile_lock(name: str) -> str:
    """Return the text of the lock for ``requirements/<name>.in``; raises CalledProcessError if uv fails."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--universal",
        "--fork-strategy=fewest",
    ]
    command += ["--python-version=3.10", "--no-header", "--annotation-style=line", "--quiet"]
    output = REQUIREMENTS / f"{name}.txt"
    subprocess.run(
        [*command, f"{name}.in", "--output-file", output.name], cwd=REQUIREMENTS, check=True
    )
    lines = output.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not PINNED_BY_TORCH.match(line)]
    return HEADER.format(source=f"{name}.in") + "".join(map(without_always_true, kept))


def without_always_true(line: str) -> str:
    """Drop the marker that holds for every Python this project runs on, keeping the rest of it."""
    return line.replace(f"{ALWAYS_TRUE} and ", "").replace(f" ; {ALWAYS_TRUE}", "")


def main() -> None:
    """Write each lock after the one whose versions it keeps to."""
    for name in ("embedded", "test", "bulk", "bulk-ray"):
        (REQUIREMENTS / f"{name}.txt").write_text(compile_lock(name), encoding="utf-8")


if __name__ == "__main__":
    main()

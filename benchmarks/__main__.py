"""Run the benchmarks, print one table, and write the numbers as JSON if asked to."""

from __future__ import annotations

import argparse
import json
import pkgutil
import platform
import sys
import time
from collections.abc import Sequence

import torch

import benchmarks
from benchmarks._figures import Figure, as_json, as_table
from benchmarks._running import in_its_own_process, measured
from embedded_webui.argument_types import file_to_write

PROGRAMS = {"soak", "wind_tunnel"}
"""modules here that are run by commands of their own"""


def names() -> list[str]:
    """Return the names of all benchmarks, sorted."""
    modules = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)}
    return sorted(name for name in modules - PROGRAMS if not name.startswith("_"))


def environment() -> dict[str, str | int]:
    """Return what the numbers depend on besides the code."""
    return {
        "environment.python": platform.python_version(),
        "environment.torch": torch.__version__,
        "environment.threads": torch.get_num_threads(),
        "environment.machine": f"{platform.system()} {platform.machine()}",
        "environment.cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def run(chosen: Sequence[str]) -> tuple[list[Figure], dict[str, str]]:
    """Run benchmarks one after the other; return their figures, and why others have none.

    Several have a process each: what one leaves behind, threads and freed memory, changes the others' times.
    """
    figures: list[Figure] = []
    missing: dict[str, str] = {}
    for name in chosen:
        begin = time.monotonic()
        found, reason = measured(name) if len(chosen) == 1 else in_its_own_process(name)
        figures += found
        if reason:
            missing[name] = reason
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return figures, missing


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0, or 1 if a benchmark could not run."""
    parser = argparse.ArgumentParser("benchmarks", description=__doc__)
    parser.add_argument(
        "--json", metavar="FILE", type=file_to_write, help="write the numbers to FILE"
    )
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=names(), default=names())
    options = parser.parse_args(arguments)
    figures, missing = run(options.only)
    where = environment()
    print(", ".join(f"{key.partition('.')[2]} {value}" for key, value in where.items()))
    print(as_table(figures))
    for name, reason in missing.items():
        print(f"{name} could not run: {reason}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(where | as_json(figures), indent=2) + "\n", "utf-8")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of the check."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from embedded_webui.destinations import folder_to_write
from tools.gpu import filtering, generation, hooks, leaks, memory, sizes
from tools.gpu.report import Report
from tools.gpu.running import CPU, CUDA, Part, Setting, run_part

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    Part("filter", "filter", 35, {"": filtering.check}),
    Part("adm", "ADM guidance", 25, {"": sizes.check}),
    Part(
        "generation",
        "a generation with everything",
        75,
        {
            generation.HALF: generation.half,
            generation.FULL: generation.full,
            generation.ON_CPU: generation.on_cpu,
        },
        generation.judge,
        of_cuda=frozenset({generation.HALF, generation.ON_CPU}),
    ),
    Part("memory", "memory", 95, memory.RUNS, memory.judge, needs_cuda=True),
    Part("hooks", "hooks", 35, {"": hooks.check}),
    Part("leaks", "leaks", 30, {"": leaks.check}),
)
"""together at most 295 s: five minutes with what is around them"""
PACKAGES = ("numpy", "pillow", "safetensors")
"""besides torch, what a picture needs"""
NO_GPU = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--device", choices=[CUDA, CPU], default=CUDA, help="default: %(default)s")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to try the program itself"
    )
    parser.add_argument(
        "--out", type=folder_to_write, default="gpu_check", help="default: %(default)s"
    )
    keys = [part.key for part in PARTS]
    parser.add_argument("--part", action="append", choices=keys, help="only these; default: all")
    parser.add_argument(
        "--patience",
        type=float,
        default=1.0,
        help="how many times as long each part may take as on a GPU; default: %(default)g",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Check, write both files and print the table; return 0, 1 if anything failed, 2 without a GPU."""
    options = _parser().parse_args(argv)
    if options.device == CUDA and not torch.cuda.is_available():
        print("torch sees no CUDA device here; --device cpu tries the program", file=sys.stderr)
        return NO_GPU
    begin = time.monotonic()
    results = []
    with tempfile.TemporaryDirectory(prefix="fooocus-gpu-check-") as folder:
        setting = Setting(options.device, options.quick, folder)
        machine = _machine(setting)
        for part in PARTS:
            if not options.part or part.key in options.part:
                print(f"{part.key} ...", file=sys.stderr, flush=True)
                results.append(run_part(part, setting, options.patience))
    seconds = time.monotonic() - begin
    report = Report(machine, tuple(results), seconds)
    paths = report.write(options.out)
    print(report.as_markdown())
    print("written:", *paths, file=sys.stderr)
    return 0 if report.passed else 1


def _machine(setting: Setting) -> dict[str, str]:
    device = f"{platform.machine()}, {torch.get_num_threads()} threads"
    if setting.on_cuda:
        properties = torch.cuda.get_device_properties(0)
        device = f"{properties.name}, {properties.total_memory / memory.GIBIBYTE:.0f} GiB"
    return {
        "device": device,
        "sizes": "quick" if setting.quick else "full",
        "version": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        **{package: _version_of(package) for package in PACKAGES},
    }


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a fork under another name, as pillow-simd
        return "unknown"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"

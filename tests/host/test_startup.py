"""What the webui's start pays for: importing the entry brings no library and reads no data file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os, sys
import embedded_webui
embedded_webui.bootstrap(["--data-dir", sys.argv[1], "--disable-all-extensions", "--skip-version-check"])
before, opened = set(sys.modules), []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
import fooocus_ext.host.a1111.callbacks, fooocus_ext.host.script
packages = [{name.partition(".")[0] for name in names} for names in (sys.modules, before)]
added = packages[0] - packages[1]
read = [path for path in opened if path.endswith((".json", ".txt", ".safetensors", ".yaml"))]
print(json.dumps({"added": sorted(added - sys.stdlib_module_names), "read": read}))
"""

REGISTRATION = """
import inspect, sys
import embedded_webui
embedded_webui.bootstrap(["--data-dir", sys.argv[1], "--disable-all-extensions", "--skip-version-check"])
from modules import script_callbacks
from fooocus_ext.host.registration import register
add, frames = script_callbacks.add_callback, []
def adding(*args, **named):
    frames.append(len(inspect.stack(0)))
    add(*args, **named)
script_callbacks.add_callback = adding
def from_below(frames):
    register() if frames == 0 else from_below(frames - 1)
from_below(50)
print(len(frames), max(frames))
"""


def run(program: str, folder: Path) -> str:
    """Return the last line that a program prints in a Python of its own."""
    finished = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()[-1]


@pytest.mark.slow
def test_callbacks_are_registered_from_a_short_stack(tmp_path):
    """The webui looks up each frame of it, for each callback."""
    count, longest = map(int, run(REGISTRATION, tmp_path).split())
    assert count > 10
    assert longest < 12


@pytest.mark.slow
def test_importing_the_entry_loads_only_our_own_modules(tmp_path):
    found = json.loads(run(PROGRAM, tmp_path))
    assert set(found["added"]) <= {"fooocus_ext", "modules"}
    assert found["read"] == []

"""Ctrl-C where no program can take another's place, as on Windows: both get it, and the first must wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATUS = 7
# What starts the tests may have Ctrl-C ignored, which programs hand down.
HEEDS = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
ENDS_SLOWLY = f"""{HEEDS}
import sys, time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    sys.exit({STATUS})
"""
BEGINS_IT = f"""{HEEDS}
import os, sys
from pathlib import Path
from types import SimpleNamespace
from tools.dev import commands
commands.os = SimpleNamespace(name="nt")
sys.exit(commands.become("ends_slowly", python=Path(sys.executable)))
"""


@pytest.mark.skipif(os.name == "nt", reason="it has no signal for a group of processes")
def test_a_program_ends_in_its_own_way_and_its_status_is_kept(tmp_path):
    (tmp_path / "ends_slowly.py").write_text(ENDS_SLOWLY, encoding="utf-8")
    places = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))}
    words = [sys.executable, "-c", BEGINS_IT]
    with subprocess.Popen(
        words, env=places, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as first:
        assert first.stdout.readline() == b"ready\n"
        os.killpg(first.pid, signal.SIGINT)
        assert first.wait(30) == STATUS, first.stderr.read().decode()

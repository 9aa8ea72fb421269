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
added = {name.partition(".")[0] for name in set(sys.modules) - before}
read = [path for path in opened if path.endswith((".json", ".txt", ".safetensors", ".yaml"))]
print(json.dumps({"added": sorted(added - sys.stdlib_module_names), "read": read}))
"""


@pytest.mark.slow
def test_importing_the_entry_loads_only_our_own_modules(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout.splitlines()[-1])
    assert set(found["added"]) <= {"fooocus_ext", "modules"}
    assert found["read"] == []

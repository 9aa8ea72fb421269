"""Windows writes what is redirected in an encoding of its own, which lacks most of the world's letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS_A_NAME = 'print("\\u0142\\xf3d\\u017a.png")\n'
PICTURE = f"""
from embedded_webui import __main__ as command
command.picture = lambda _arguments: {SAYS_A_NAME.strip()}
command.main(["picture"])
"""


@pytest.mark.parametrize(
    "words",
    [[str(ROOT / "dev.py"), "-m", "says_a_name"], ["-c", PICTURE]],
    ids=["dev.py", "embedded_webui"],
)
def test_a_letter_that_the_encoding_lacks_ends_no_command(tmp_path, words):
    (tmp_path / "says_a_name.py").write_text(SAYS_A_NAME, encoding="utf-8")
    places = os.pathsep.join((str(ROOT), str(tmp_path)))
    as_there = {"PYTHONPATH": places, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [sys.executable, *words], env={**os.environ, **as_there}, capture_output=True, check=False
    )
    assert done.stdout.split() == [b"\\u0142\xf3d\\u017a.png"], done.stderr.decode()

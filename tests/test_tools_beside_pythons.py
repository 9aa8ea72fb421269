"""What dev.py finds out about the machine and its Pythons, and what comes first in a webui's own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tools.dev import environment, suitable_python
from tools.dev.webui import RUNNER

on_posix = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
OF_ANOTHER_VERSION = """#!/bin/sh
exec "{python}" -c 'import sys; sys.version_info = (3, {minor}, 0); exec(sys.argv[1])' "$2"
"""


@on_posix
@pytest.mark.parametrize(("minor", "suits"), [(9, False), (10, True), (11, True), (12, False)])
def test_only_a_python_that_the_webuis_packages_work_with_is_suitable(tmp_path, minor, suits):
    python = tmp_path / "python"
    python.write_text(
        OF_ANOTHER_VERSION.format(python=sys.executable, minor=minor), encoding="utf-8"
    )
    python.chmod(0o755)
    assert suitable_python.is_suitable(python) == suits


@pytest.mark.parametrize(
    ("has_driver", "program", "found"),
    [(False, None, False), (True, None, True), (False, "/usr/bin/nvidia-smi", True)],
)
def test_a_gpu_is_known_by_its_driver(monkeypatch, has_driver, program, found):
    programs = {"nvidia-smi": program}
    monkeypatch.setattr(environment.shutil, "which", programs.get)
    exists = environment.Path.exists
    driver = environment.Path("/proc/driver/nvidia")
    monkeypatch.setattr(
        environment.Path, "exists", lambda path: has_driver if path == driver else exists(path)
    )
    assert environment.has_nvidia_gpu() == found


def test_a_webui_keeps_its_own_packages_beside_those_of_the_tests(tmp_path):
    packages, own = tmp_path / "packages", tmp_path / "own"
    for folder in (packages, own):
        folder.mkdir()
        (folder / "of_both.py").write_text(f"WHOSE = {folder.name!r}", encoding="utf-8")
    (packages / "pytest.py").write_text(
        "import sys, of_both\n"
        "def main(arguments):\n"
        "    print(of_both.WHOSE, sys.argv, arguments)\n"
        "    return 3\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-S", str(RUNNER), str(packages), "-x", "tests"]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(own)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "own ['launch.py'] ['-x', 'tests']\n"), done.stderr

"""Checks run in .venv, some of them beside the others, and each is told of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tools.dev import checks
from tools.dev.checks import Check, run_checks

TESTS = Check("tests", ("pytest",))


@pytest.fixture
def failing(monkeypatch) -> set[str]:
    """Return the set of the checks that are to fail, by their last argument; no program is started."""
    names: set[str] = set()
    monkeypatch.setattr(checks, "wait_for", lambda command: int(command[-1] in names))
    monkeypatch.setattr(
        checks, "wait_quietly", lambda c: (int(c[-1] in names), f"what {c[2]} says\n")
    )
    return names


def summary(output: str) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+) +(passed|FAILED) +\d+\.\d s$", output, re.MULTILINE)


def test_all_that_pass_are_listed_with_what_those_beside_said(failing, capsys):
    assert run_checks([TESTS], meanwhile=checks.LINT) == 0
    output = capsys.readouterr().out
    names = ["tests", "lint", "format", "types"]
    assert summary(output) == [(name, "passed") for name in names]
    assert [output.count(f"== {name}: ") for name in names] == [1] * 4
    assert output.index("what mypy says") < output.index("== summary")


@pytest.mark.parametrize("name", ["pytest", "mypy"])
def test_a_failed_check_hides_no_other(failing, capsys, name: str):
    failing.add(name)
    assert run_checks([TESTS], meanwhile=checks.LINT) == 1
    results = dict(summary(capsys.readouterr().out))
    failed = {"pytest": "tests", "mypy": "types"}[name]
    assert [check for check, result in results.items() if result == "FAILED"] == [failed]
    assert len(results) == 4


def test_an_interrupted_run_starts_no_more_checks(monkeypatch):
    started = []
    is_ending = threading.Event()

    class Executor(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            is_ending.set()
            super().shutdown(wait=wait)

    def interrupt(_command):
        raise KeyboardInterrupt

    def until_the_end(command) -> tuple[int, str]:
        started.append(command[2])
        is_ending.wait(60)
        return 0, ""

    monkeypatch.setattr(checks, "ThreadPoolExecutor", Executor)
    monkeypatch.setattr(checks, "wait_for", interrupt)
    monkeypatch.setattr(checks, "wait_quietly", until_the_end)
    with pytest.raises(KeyboardInterrupt):
        run_checks([TESTS], meanwhile=checks.LINT)
    assert len(started) <= 1


@pytest.mark.parametrize("made_by_dev", [".venv", ".venv-bulk", ".python"])
def test_what_dev_makes_is_not_linted_where_git_ignores_nothing(tmp_path, made_by_dev: str):
    """As in a checkout that was downloaded as a ZIP file."""
    shutil.copy(checks.ROOT / "pyproject.toml", tmp_path)
    for folder in ("core", made_by_dev):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").touch()
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "."]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(tmp_path / "core" / "module.py") in shown.stdout
    assert made_by_dev not in shown.stdout


def test_a_program_is_run_quietly_and_what_it_said_is_kept():
    program = "import sys; print('on'); print('off', file=sys.stderr); sys.exit(3)"
    status, output = checks.wait_quietly([checks.python_of(), "-c", program])
    assert status == 3
    assert sorted(output.split()) == ["off", "on"]

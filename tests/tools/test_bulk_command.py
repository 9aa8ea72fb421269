"""The command `dev.py bulk`: what is installed for which command line, and what runs the command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from subprocess import run as subprocess_run  # the fixtures replace the module's

import pytest

from tools.dev import bulk, commands, environment

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_RAY = ["bulk.txt"]
WITH_RAY = ["bulk.txt", "bulk-ray.txt"]


@pytest.fixture
def installed(monkeypatch, tmp_path) -> list[str]:
    """The locks that were installed into an environment of the test's own; ".venv" stands for the other."""
    names: list[str] = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.jsonl").touch()
    for attribute in ("LOCK", "RAY_LOCK"):
        lock = tmp_path / getattr(bulk, attribute).name
        lock.write_text("ray==1\n", encoding="utf-8")
        monkeypatch.setattr(bulk, attribute, lock)
    monkeypatch.setattr(bulk, "VENV", tmp_path / ".venv-bulk")
    monkeypatch.setattr(environment, "ROOT", tmp_path)  # where the lock of both is
    monkeypatch.setattr(bulk, "ensure_environment", lambda: names.append(".venv"))

    def make(command, **_options):
        python = environment.python_of(Path(command[-1]))
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bulk.subprocess, "run", make)

    def install(*words, python):
        assert python == environment.python_of(bulk.VENV)
        names.append(Path(words[-1]).name)

    monkeypatch.setattr(bulk, "pip_install", install)
    return names


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list.jsonl", "--out", "o"], WITH_RAY),
        (["list.jsonl", "--out", "o", "--ray=auto"], WITH_RAY),
        (["list.jsonl", "--out", "o", "--no-ray"], WITHOUT_RAY),
        (["--status", "o"], WITHOUT_RAY),
        (["--verify=o"], WITHOUT_RAY),
        (["list.jsonl", "--out=o", "--no-ray", "--spawn", "2"], [".venv", *WITHOUT_RAY]),
        (["list.jsonl", "--dry-run", "--no-ray", "--spawn=2", "--python=/p"], WITHOUT_RAY),
    ],
)
def test_what_a_command_line_needs_is_installed_and_no_more(installed, words, expected):
    assert bulk.prepare(words) == environment.python_of(bulk.VENV)
    assert installed == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.jsonl", "--out", "o"], "gone.jsonl: there is no such file."),
        (["list.txt", "--out", "o"], "list.txt: got a file that ends in '.txt'"),
        (["list.jsonl"], "name a list of requests and, with --out, a folder"),
        (["list.jsonl", "--out", "o", "--defaults", "gone.json"], "No such file or directory"),
    ],
)
def test_what_cannot_be_begun_is_said_before_anything_is_installed(installed, words, said):
    python = bulk.prepare(words)
    assert installed == []
    main = "import sys; from bulk.__main__ import main; sys.exit(main(sys.argv[1:]))"
    answer = subprocess_run(
        [python, "-S", "-c", main, *words],  # -S: without libraries
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr.count("\n") == 1
    assert (answer.returncode, said in answer.stderr) == (2, True)


@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("--no-such", 2)])
def test_help_needs_nothing_and_neither_does_a_wrong_option(installed, capsys, word, status):
    with pytest.raises(SystemExit) as stop:
        bulk.prepare([word])
    assert (stop.value.code, installed) == (status, [])
    assert "usage: dev.py bulk" in "".join(capsys.readouterr())


def test_what_is_installed_stays_until_its_lock_changes(installed, capsys):
    words = ["list.jsonl", "--out", "o"]
    bulk.prepare(words)
    assert "First use: making .venv-bulk" in capsys.readouterr().out
    bulk.prepare(words)
    assert installed == WITH_RAY
    assert capsys.readouterr().out == ""
    bulk.RAY_LOCK.write_text("ray==2\n", encoding="utf-8")
    bulk.prepare(words)
    assert installed == [*WITH_RAY, "bulk-ray.txt"]


def test_what_could_not_be_installed_is_tried_again(installed, monkeypatch):
    install = bulk.pip_install

    def fail(*_words, **_options):
        raise environment.SetupError("no network")

    monkeypatch.setattr(bulk, "pip_install", fail)
    with pytest.raises(environment.SetupError):
        bulk.prepare(["--status", "o"])
    monkeypatch.setattr(bulk, "pip_install", install)
    bulk.prepare(["--status", "o"])
    assert installed == WITHOUT_RAY


class BecameError(Exception):
    """In place of becoming another program, from which nothing returns."""


@pytest.fixture
def become(monkeypatch):
    """A call that runs a command line of dev.py, and gives the Python and the module that it became."""

    def replace(_path, command, _variables):
        raise BecameError(command)

    monkeypatch.setattr(os, "execve", replace)
    monkeypatch.setattr(commands, "wait_for", lambda *_: pytest.fail("started it"))
    monkeypatch.setattr(commands.os, "name", "posix")
    monkeypatch.setattr(commands, "ensure_environment", lambda: None)
    monkeypatch.setattr(bulk, "prepare", lambda _words: Path("/bulk/python"))

    def run(*words):
        with pytest.raises(BecameError) as became:
            commands.main(words)
        (command,) = became.value.args
        return command[0], command[command.index("-m") + 1 :]

    return run


def test_the_command_runs_on_the_python_of_its_environment(become):
    words = ["list.jsonl", "--out", "o", "--no-ray"]
    assert become("bulk", *words) == ("/bulk/python", ["bulk", *words])


def test_other_commands_run_on_that_of_venv(become):
    python = str(environment.python_of())
    assert become("bench", "--json", "n.json") == (python, ["benchmarks", "--json", "n.json"])

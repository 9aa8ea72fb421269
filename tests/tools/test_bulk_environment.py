"""The environment of `dev.py bulk`: one whose making was cut short is made anew, a finished one is kept."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

from tools.dev import bulk, environment


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """Return the folder of .venv-bulk; a venv is made of a link to this Python, and pip does nothing."""
    folder = tmp_path / ".venv-bulk"
    lock = tmp_path / "bulk.txt"
    lock.write_text("one==1\n", encoding="utf-8")

    def make(command, **_options) -> subprocess.CompletedProcess:
        python = environment.python_of(folder)
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bulk, "VENV", folder)
    monkeypatch.setattr(bulk, "LOCK", lock)
    monkeypatch.setattr(bulk.subprocess, "run", make)
    monkeypatch.setattr(bulk, "pip_install", lambda *_words, **_python: None)
    return folder


def fail(*_words, **_python) -> None:
    message = "no network"
    raise environment.SetupError(message)


def test_one_whose_making_was_cut_short_is_made_anew(venv):
    python = environment.python_of(venv)
    python.parent.mkdir(parents=True)  # as far as Ctrl-C let it come: without pip
    python.symlink_to(sys.executable)
    half = venv / "half-unpacked"
    half.touch()
    bulk.ensure(bulk.LOCK, "bulk.txt")
    assert not half.exists()
    assert python.exists()


def test_one_that_was_finished_is_brought_up_to_date_and_kept_if_that_fails(venv, monkeypatch):
    bulk.ensure(bulk.LOCK, "bulk.txt")
    kept = venv / "of-the-user"
    kept.touch()
    bulk.LOCK.write_text("one==2\n", encoding="utf-8")
    monkeypatch.setattr(bulk, "pip_install", fail)
    with pytest.raises(environment.SetupError):
        bulk.ensure(bulk.LOCK, "bulk.txt")
    assert kept.exists()


def test_a_complete_one_is_used_where_nothing_can_be_written(venv, monkeypatch, tmp_path):
    (tmp_path / "list.jsonl").touch()
    words = [str(tmp_path / "list.jsonl"), "--out", "o"]
    monkeypatch.setattr(bulk, "RAY_LOCK", bulk.LOCK)
    monkeypatch.setattr(bulk, "only_one_at_a_time", contextlib.nullcontext)
    python = bulk.prepare(words)
    monkeypatch.setattr(bulk, "only_one_at_a_time", lambda: pytest.fail("takes the lock"))
    assert bulk.prepare(words) == python

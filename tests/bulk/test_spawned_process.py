"""What a webui that a run starts itself is started with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bulk.answers import Probe
from bulk.spawn import Spawned

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")

PROGRAM = """\
#!{python}
import json, os, sys
found = {{
    "words": sys.argv[1:], "variables": dict(os.environ), "leads": os.getsid(0) == os.getpid(),
}}
open({told!r}, "w").write(json.dumps(found))
"""


@pytest.fixture
def start(tmp_path):
    """Start a program in place of Python and a webui, and return what it was told and saw."""

    def start(**how):
        program, told = tmp_path / "python", tmp_path / "told"
        program.write_text(PROGRAM.format(python=sys.executable, told=str(told)), encoding="utf-8")
        program.chmod(0o755)
        keeper = Spawned(str(program), str(tmp_path / "1"), **how).keeper()
        answer = keeper.ensure(Probe(5.0))
        keeper.stop()
        assert answer is not None
        assert "ended while it started" in answer.reason
        return json.loads(told.read_text(encoding="utf-8"))

    return start


def test_ctrl_c_in_the_terminal_does_not_reach_it(start):
    """It has a session of its own: what it works on is finished, and the run ends it."""
    assert start()["leads"]


def test_nor_does_it_on_windows_which_has_groups_of_processes_instead(monkeypatch, tmp_path):
    given = {}

    def begin(_command, **how):
        given.update(how)
        return SimpleNamespace(poll=lambda: 1)

    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(subprocess, "Popen", begin)
    Spawned("python", str(tmp_path)).keeper().ensure(Probe(5.0))
    assert given["creationflags"] == 512


@pytest.mark.parametrize(("gpu", "seen"), [(None, "7"), (0, "0"), (3, "3")])
def test_it_sees_the_gpu_that_is_meant_for_it_alone(start, monkeypatch, gpu, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert start(gpu=gpu)["variables"]["CUDA_VISIBLE_DEVICES"] == seen


def test_it_computes_on_one_core_unless_the_user_chose(start, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert start()["variables"]["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert start()["variables"]["OMP_NUM_THREADS"] == "4"


def test_its_flags_come_last(start):
    words = start(flags=("--checkpoint", "/x"))["words"]
    assert words[1:4] == ["embedded_webui", "serve", "--nowebui"]
    assert words[-2:] == ["--checkpoint", "/x"]

"""A figure of threads that wait for each other is refused where other programs use the cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import torch

from benchmarks import _measuring, expander
from benchmarks._figures import Unavailable

COMPUTES = "while True: pass"


@pytest.fixture
def times(monkeypatch):
    """The times of this process by the clock and without a core, set by hand."""
    times = {"clock": 100.0, "waited": 7.0}
    monkeypatch.setattr(_measuring, "seconds_without_core", lambda: times["waited"])
    monkeypatch.setattr(_measuring.time, "perf_counter", lambda: times["clock"])
    return times


def test_what_threads_have_waited_is_a_share_of_the_time_of_all(times):
    cores = _measuring.CoresOfItsOwn(2)
    times.update(clock=110.0, waited=7.9)
    cores.check()
    times.update(waited=9.4)
    with pytest.raises(Unavailable, match="2 threads had to wait for a core 12% of the time"):
        cores.check()


def test_where_nobody_counts_nothing_is_refused(times):
    cores = _measuring.CoresOfItsOwn(2)
    times.update(clock=110.0, waited=None)
    cores.check()


def test_a_thread_that_ends_while_it_is_looked_at_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "runs").write_text("9000000000 2000000000 5\n", encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("has ended", "runs")]
    monkeypatch.setattr(_measuring.glob, "glob", lambda _pattern: paths)
    assert _measuring.seconds_without_core() == 2.0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds to a core")
def test_a_process_that_shares_its_core_is_seen_to_wait():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    other = subprocess.Popen([sys.executable, "-c", COMPUTES])  # bound to the same core
    try:
        begin = _measuring.seconds_without_core()
        if begin is None:
            pytest.skip("this system does not count it")
        end = time.monotonic() + 60
        while _measuring.seconds_without_core() < begin + 0.05:
            assert time.monotonic() < end
    finally:
        other.kill()
        other.wait()
        os.sched_setaffinity(0, before)


def test_the_expanders_benchmark_gives_up_after_its_first_round(times, monkeypatch):
    calls = []

    def busy(*_):
        calls.append(None)
        times["clock"] += 1
        times["waited"] += 1

    monkeypatch.setattr(expander, "_peer", torch.nn.Module)
    monkeypatch.setattr(expander, "_model", lambda _state: None)
    monkeypatch.setattr(expander, "_write", busy)
    monkeypatch.setattr(expander, "_generate", busy)
    with pytest.raises(Unavailable, match="2 threads had to wait for a core 50% of the time"):
        expander.measure()
    assert len(calls) == 5

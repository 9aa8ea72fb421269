"""The benchmarks' table and JSON, and that every benchmark is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import wind_tunnel
from benchmarks.__main__ import main, names
from benchmarks._figures import Figure, as_json, as_table
from benchmarks._measuring import interleaved_medians, peak_extra_bytes
from benchmarks._running import in_its_own_process, measured

ROOT = Path(__file__).resolve().parents[2]
BEGINNINGS = {main: "run", wind_tunnel.main: "draw_cases"}
"""of each program, what begins to measure"""
NEW_PAGES = """
import json, resource, statistics
import torch
from benchmarks._measuring import freed_memory_kept

def pages_of_a_large_tensor():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = statistics.median([pages_of_a_large_tensor() for _ in range(10)])
with freed_memory_kept() as is_kept:
    settling = [pages_of_a_large_tensor() for _ in range(20)]
    after = statistics.median([pages_of_a_large_tensor() for _ in range(10)])
print(json.dumps([is_kept, before, after]))
"""
"""how many pages of memory the system hands out for a tensor, before and once some such have been freed"""
FIGURE = Figure("filter.speedup", 12.5, unit="ms", ours=2.0, peer=25.0, peer_name="the other")


def test_json_has_the_number_under_its_key_and_the_peers_beside_it():
    numbers = as_json([FIGURE, Figure("startup.added_seconds", 0.0)])
    assert numbers["filter.speedup"] == 12.5
    assert numbers["filter.speedup.ours"] == 2.0
    assert numbers["filter.speedup.peer"] == 25.0
    assert numbers["startup.added_seconds"] == 0.0
    assert "startup.added_seconds.peer" not in numbers
    json.dumps(numbers)


def test_table_has_one_aligned_line_for_each_figure():
    lines = as_table([FIGURE, Figure("a.b", 1 / 3)]).splitlines()
    assert len(lines) == 4
    assert lines[2].split() == ["filter.speedup", "12.5", "2", "25", "ms", "the", "other"]
    assert lines[3].split() == ["a.b", "0.3333"]


def test_benchmarks_are_the_modules_without_underscore():
    assert "filter" in names()
    assert not any(name.startswith("_") for name in names())


def test_a_benchmark_that_cannot_run_is_named(monkeypatch, tmp_path, capsys):
    from benchmarks import _original
    from benchmarks import filter as bench
    from benchmarks._figures import Unavailable

    def refuse():
        raise Unavailable("no network")

    monkeypatch.setattr(bench, "load_filter", refuse)
    assert _original.load_filter is not refuse
    file = tmp_path / "new" / "numbers.json"
    assert main(["--only", "filter", "--json", str(file)]) == 1
    assert "filter could not run: no network" in capsys.readouterr().out
    numbers = json.loads(file.read_text(encoding="utf-8"))
    assert numbers["environment.threads"] == torch.get_num_threads()


def test_a_benchmark_that_breaks_leaves_the_others_their_numbers(monkeypatch, tmp_path, capsys):
    from benchmarks import filter as bench
    from benchmarks import tiles

    def breaks():
        raise ZeroDivisionError("nothing was measured")

    monkeypatch.setattr(f"{main.__module__}.in_its_own_process", measured)
    monkeypatch.setattr(bench, "measure", breaks)
    monkeypatch.setattr(tiles, "measure", lambda: [FIGURE])
    file = tmp_path / "numbers.json"
    assert main(["--only", "filter", "tiles", "--json", str(file)]) == 1
    said = capsys.readouterr()
    assert "filter could not run: ZeroDivisionError: nothing was measured" in said.out
    assert "in breaks" in said.err
    assert json.loads(file.read_text(encoding="utf-8"))[FIGURE.key] == FIGURE.value


def test_several_benchmarks_share_no_process(monkeypatch):
    for sharing in (measured, in_its_own_process):
        assert sharing("nosuch") == ([], "ModuleNotFoundError: No module named 'benchmarks.nosuch'")
    asked = []
    monkeypatch.setattr(
        f"{main.__module__}.in_its_own_process", lambda name: asked.append(name) or ([FIGURE], "")
    )
    assert main(["--only", "filter", "tiles"]) == 0
    assert asked == ["filter", "tiles"]


def test_a_killed_benchmark_is_named(monkeypatch):
    monkeypatch.setattr("benchmarks._running.measured", os._exit)
    figures, reason = in_its_own_process(9)
    assert figures == []
    assert "process pool" in reason


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries cannot be told")
def test_freed_memory_is_kept_where_it_is_asked_for():
    """In a process of its own, as a benchmark is: one refused allocation moves a thread to another arena."""
    command = [sys.executable, "-c", NEW_PAGES]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    is_kept, before, after = json.loads(result.stdout)
    assert is_kept
    assert after < before / 10


@pytest.mark.parametrize(
    ("program", "flag"),
    [(main, "--json"), (wind_tunnel.main, "--json"), (wind_tunnel.main, "--sheet")],
)
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_measured(
    monkeypatch, tmp_path, capsys, program, flag
):
    monkeypatch.setattr(
        f"{program.__module__}.{BEGINNINGS[program]}", lambda *_: pytest.fail("measures")
    )
    file = tmp_path / "file"
    file.touch()  # as root every folder can be written to
    folder = tmp_path / "x.png"
    folder.mkdir()
    for path, why in (
        (file / "x.png", f"{file} cannot be written to"),
        (folder, "allowed: a file"),
    ):
        with pytest.raises(SystemExit) as stop:
            program([flag, str(path)])
        assert stop.value.code == 2
        assert why in capsys.readouterr().err.splitlines()[-1]


def test_every_side_runs_once_a_round():
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in ("ours", "peer")}
    medians = interleaved_medians(sides, rounds=3, warm_up=1)
    assert calls == ["ours", "peer"] * 4
    assert set(medians) == {"ours", "peer"}


def test_rounds_that_warm_up_are_not_counted():
    """The first calls compile, load and fill caches."""
    clock, costs = [0.0], iter([1000.0, 1000.0, 3.0, 1.0, 2.0])

    def call():
        clock[0] += next(costs)

    assert interleaved_medians({"it": call}, rounds=3, warm_up=2, clock=lambda: clock[0]) == {
        "it": 2.0
    }


def test_peak_counts_what_is_held_at_one_time():
    def three_buffers_two_at_once():
        first = torch.empty(1 << 20, dtype=torch.uint8)
        second = torch.empty(1 << 20, dtype=torch.uint8)
        del first
        third = torch.empty(1 << 20, dtype=torch.uint8)
        return second, third

    assert 2 << 20 <= peak_extra_bytes(three_buffers_two_at_once) < 2.1 * (1 << 20)

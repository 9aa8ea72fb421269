"""Files are written whole or not at all, and nothing is left of those that were not."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from fooocus_ext import data_files
from fooocus_ext.data_files import SCRATCH_PREFIX, write_whole


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["half of ½\n", b"\0\xff"])
def test_text_and_bytes_arrive_as_they_are(tmp_path, content):
    write_whole(tmp_path / "a", content)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    assert (tmp_path / "a").read_bytes() == raw
    assert names_in(tmp_path) == ["a"]


def fail(*_args, **_kwargs):
    raise OSError("the disk is full")


class Killed(BaseException):
    """What Ctrl+C raises is no ``Exception`` either."""


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (os, "fsync"),
        (Path, "chmod"),
        (Path, "replace"),
        pytest.param(
            os,
            "fdopen",
            marks=pytest.mark.skipif(os.name == "nt", reason="it stays open, and so it stays"),
        ),
    ],
)
def test_a_failure_in_the_middle_leaves_the_old_file_alone(tmp_path, monkeypatch, place, name):
    target = tmp_path / "a"
    target.write_text("old", encoding="utf-8")
    monkeypatch.setattr(place, name, fail)
    with pytest.raises(OSError, match="full"):
        write_whole(target, "new")
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["a"]


def test_a_stop_by_hand_in_the_middle_leaves_the_old_file_alone(tmp_path, monkeypatch):
    target = tmp_path / "a"
    target.write_text("old", encoding="utf-8")

    def stop(_descriptor):
        raise Killed

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(Killed):
        write_whole(target, "new")
    assert target.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["a"]


def test_text_that_cannot_be_stored_leaves_the_old_file_alone(tmp_path):
    write_whole(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a", "\ud800")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_is_not_replaced_unasked(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", fail)
    write_whole(tmp_path / "a", "old", overwrite=False)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", "new", overwrite=False)
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["a"]
    write_whole(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_cannot_be_cleared_away_is_no_failure_to_write(tmp_path, monkeypatch, overwrite):
    """On Windows a virus scanner may have the scratch file open, which a later writer then removes."""
    monkeypatch.setattr(Path, "unlink", fail)
    write_whole(tmp_path / "a", "new", overwrite=overwrite)
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new"


def test_of_many_writers_that_may_not_replace_a_file_one_succeeds(tmp_path):
    outcomes = []
    start = threading.Barrier(8)

    def write(number):
        start.wait()
        try:
            write_whole(tmp_path / "a", str(number), overwrite=False)
            outcomes.append(number)
        except FileExistsError:
            outcomes.append(None)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (winner,) = [number for number in outcomes if number is not None]
    assert (tmp_path / "a").read_text(encoding="utf-8") == str(winner)
    assert names_in(tmp_path) == ["a"]


def test_what_a_killed_writer_left_is_removed_a_day_later(tmp_path):
    left, recent, other = (
        tmp_path / name for name in (f"{SCRATCH_PREFIX}left", f"{SCRATCH_PREFIX}now", ".other")
    )
    for path in (left, recent, other):
        path.write_text("half", encoding="utf-8")
    yesterday = time.time() - data_files._LEFT_BEHIND_SECONDS - 60
    os.utime(left, (yesterday, yesterday))
    os.utime(other, (yesterday, yesterday))
    write_whole(tmp_path / "a", "whole")
    assert names_in(tmp_path) == sorted(["a", recent.name, other.name])


@pytest.mark.skipif(os.name == "nt", reason="file modes are a Unix thing")
def test_others_can_read_what_is_written(tmp_path):
    write_whole(tmp_path / "a", "")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644

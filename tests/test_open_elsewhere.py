"""On Windows nobody can replace a file that is open elsewhere, and virus scanners open each for a moment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bulk import journal, manifest
from embedded_webui import files
from fooocus_ext import data_files
from fooocus_ext.downloads.files import RemoteFile, take_name
from fooocus_ext.job_queue.pictures import Pictures

HELPERS = (data_files, files)


@pytest.fixture
def open_elsewhere(monkeypatch):
    """Return a function that lets the next replacements fail on a system, and lists the pauses made."""
    replace, pauses = Path.replace, []

    def begin(times, system="nt"):
        refusals = [PermissionError(13, "used by another process")] * times

        def refuse_or_replace(source, target):
            if refusals:
                raise refusals.pop()
            return replace(source, target)

        for module in HELPERS:
            monkeypatch.setattr(module, "os", SimpleNamespace(**{**vars(os), "name": system}))
        monkeypatch.setattr(Path, "replace", refuse_or_replace)
        monkeypatch.setattr(time, "sleep", pauses.append)
        return pauses

    return begin


def write_data_file(folder):
    data_files.write_whole(folder / "log.html", "new")


def write_download(folder):
    (folder / "a.part").write_bytes(b"new")
    take_name(RemoteFile("a", "https://example.com/a"), folder)


def write_queued_picture(folder):
    assert Pictures(folder).read(Pictures(folder).keep(b"new")) == b"new"


def write_checkpoint(folder):
    with files.whole(folder / "a.safetensors") as unfinished:
        unfinished.write_bytes(b"new")


def write_status(folder):
    journal.write_json(folder / "status.json", {})


def write_shorter_journal(folder):
    run = journal.Folder(folder)
    run.journal.write_bytes(journal.as_line({"key": "a", "status": journal.FAILED}))
    opened = journal.Journal(run)
    opened.keep_only(())
    assert not list(opened.records())
    opened.close()


def write_shard(folder):
    run = journal.Folder(folder)
    run.image("aa").parent.mkdir(parents=True)
    run.image("aa").write_bytes(b"png")
    record = {"key": "aa", "status": journal.DONE, "prompt_final": "a fox"}
    run.journal.write_bytes(journal.as_line(record))
    assert manifest.write_shards(run, 1) == 1


@pytest.mark.parametrize(
    "write",
    [
        write_data_file, write_download, write_queued_picture, write_checkpoint, write_status,
        write_shorter_journal, write_shard,
    ],
)  # fmt: skip
def test_a_file_that_is_open_elsewhere_for_a_moment_is_replaced_then(
    open_elsewhere, tmp_path, write
):
    pauses = open_elsewhere(2)
    write(tmp_path)
    assert len(pauses) == 2
    assert not [path for path in tmp_path.rglob("*") if "part" in path.name]


@pytest.mark.parametrize("module", HELPERS)
def test_one_that_stays_open_is_given_up_after_a_second(open_elsewhere, tmp_path, module):
    pauses = open_elsewhere(100)
    (tmp_path / "a").touch()
    with pytest.raises(PermissionError, match="used by another process"):
        module.replace_file(tmp_path / "a", tmp_path / "b")
    assert 0.5 <= sum(pauses) <= 1.5


@pytest.mark.parametrize("module", HELPERS)
def test_other_systems_mean_what_they_refuse(open_elsewhere, tmp_path, module):
    pauses = open_elsewhere(1, "posix")
    (tmp_path / "a").touch()
    with pytest.raises(PermissionError):
        module.replace_file(tmp_path / "a", tmp_path / "b")
    assert pauses == []

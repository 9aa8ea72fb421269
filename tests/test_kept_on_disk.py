"""What takes its name in one step is on the disk before: a power cut leaves the old or the new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulk import journal
from embedded_webui.files import whole
from fooocus_ext.data_files import write_whole
from fooocus_ext.downloads.files import RemoteFile, take_name

NEW = b'{"key":"new"}\n'


def by_the_settings(folder: Path) -> Path:
    write_whole(folder / "file", NEW)
    return folder / "file"


def by_a_download(folder: Path) -> Path:
    file = RemoteFile("file", "http://nowhere")
    file.part(folder).write_bytes(NEW)
    take_name(file, folder)
    return folder / "file"


def by_the_embedded_webui(folder: Path) -> Path:
    with whole(folder / "file") as unfinished:
        unfinished.write_bytes(NEW)
    return folder / "file"


def by_a_bulk_run(folder: Path) -> Path:
    journal.write_whole(folder / "file", NEW, is_kept=True)
    return folder / "file"


def by_its_journal(folder: Path) -> Path:
    place = journal.Folder(folder)
    journal.Journal(place).keep_only([{"key": "new"}])
    return place.journal


@pytest.mark.parametrize(
    "write",
    [by_the_settings, by_a_download, by_the_embedded_webui, by_a_bulk_run, by_its_journal],
)
def test_a_file_is_on_the_disk_before_it_takes_its_name(monkeypatch, tmp_path, write):
    kept = {}
    replace, fsync = Path.replace, os.fsync

    def remember(number):
        state = os.fstat(number)
        kept[state.st_ino] = state.st_size
        fsync(number)

    def check(path, target):
        state = path.stat()
        assert kept.get(state.st_ino) == state.st_size == len(NEW)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", remember)
    monkeypatch.setattr(Path, "replace", check)
    path = write(tmp_path)
    assert path.read_bytes() == NEW
    assert path.stat().st_ino in kept

"""The log's pages and pictures over the webui's server, as far as the disk lets them be read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import HTTPException

DAY = "2026-05-31"


@pytest.fixture
def storage(load_host_module, tmp_path):
    (tmp_path / DAY).mkdir()
    for name in ("log.html", "a.png"):
        (tmp_path / DAY / name).write_text("content", encoding="utf-8")
    paths = SimpleNamespace(data_path=str(tmp_path))
    shared = SimpleNamespace(cmd_opts=SimpleNamespace(fooocus_outputs=str(tmp_path)))
    return load_host_module("tab/storage", paths=paths, shared=shared)


@pytest.fixture
def closed(monkeypatch):
    """Return a function that has a method of all paths refused, as on a folder of another user."""

    def refuse(_path, *_arguments, **_named):
        raise PermissionError(13, "Permission denied")

    return lambda method: monkeypatch.setattr(Path, method, refuse)


@pytest.mark.parametrize("method", ["iterdir", "is_file"])
def test_a_folder_of_pictures_that_cannot_be_read_is_said(storage, closed, method):
    assert storage.newest().headers["location"] == f"{DAY}/log.html"
    closed(method)
    answer = storage.newest()
    assert answer.status_code == 200
    assert b"cannot be read: Permission denied" in answer.body


@pytest.mark.parametrize("name", ["log.html", "a.png"])
@pytest.mark.parametrize("method", ["is_file", "open"])
def test_a_file_that_cannot_be_read_is_not_found(storage, closed, method, name):
    assert storage.stored_file(DAY, name).status_code == 200
    closed(method)
    with pytest.raises(HTTPException) as caught:
        storage.stored_file(DAY, name)
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("day", "name"), [(DAY, "b.png"), (DAY, "a.txt"), ("2026-05-30", "a.png"), ("..", "a.png")]
)
def test_what_is_no_file_of_the_log_is_not_found(storage, day, name):
    with pytest.raises(HTTPException):
        storage.stored_file(day, name)

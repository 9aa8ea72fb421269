"""What is kept of jobs and of the pictures that they start from, and what becomes of damaged files."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest

from fooocus_ext.job_queue.jobs import Announced, Made, QueuedJob
from fooocus_ext.job_queue.store import Change
from tests.job_queue.server import WINDOW, Server, picture


def test_a_second_server_on_the_same_folder_has_its_own_jobs(server):
    server.add("a")
    second = Server(server.folder)
    assert second.queue.take() is None
    second.add("b")
    second.store.close()
    server.restart()
    assert server.waiting() == ["a"]


def test_a_folder_that_cannot_be_made_is_said_and_jobs_run_all_the_same(tmp_path, caplog):
    (tmp_path / "file").write_text("", encoding="utf-8")
    server = Server(tmp_path / "file" / "queue")
    assert "will not survive a restart" in caplog.text
    server.add("a", source=b"pixels")
    assert server.source("a") == b"pixels"
    assert server.run() == "a"


def test_a_broken_file_is_put_aside(server, caplog):
    server.store.close()
    (file,) = server.folder.glob("*.sqlite3")
    file.write_bytes(b"no database at all, " * 100)
    server.start()
    server.add("a")
    assert "no database" in caplog.text
    assert len(list(server.folder.glob("*.broken-*"))) == 1


@pytest.mark.parametrize("damage", ["overwritten", "cut off"])
def test_a_file_that_is_damaged_past_its_beginning_is_put_aside(server, caplog, damage):
    for number in range(20):
        server.add(str(number), comments="a long comment " * 200)
    server.store.close()
    (file,) = server.folder.glob("*.sqlite3")
    content = file.read_bytes()
    middle = len(content) // 2 // 4096 * 4096
    rest = b"\xff" * 8192 + content[middle + 8192 :] if damage == "overwritten" else b""
    file.write_bytes(content[:middle] + rest)
    server.start()
    server.add("a")
    server.restart()
    assert server.waiting() == ["a"]
    assert "no database" in caplog.text
    assert len(list(server.folder.glob("*.broken-*"))) == 1


def test_what_is_no_job_is_left_out(server, caplog):
    server.add("a")
    with sqlite3.connect(next(server.folder.glob("*.sqlite3"))) as connection:
        connection.execute("INSERT INTO jobs VALUES ('b', 0, '{\"id\": 1}', NULL)")
        connection.execute("INSERT INTO jobs VALUES ('c', 0, 'no JSON', NULL)")
        connection.execute("INSERT INTO jobs VALUES ('d', 0, CAST(x'ff00' AS TEXT), NULL)")
    connection.close()
    server.restart()
    assert server.waiting() == ["a"]
    assert "cannot be read" in caplog.text


MADE = {"index": 0, "file": "a.png", "infotext": "", "seed": 1}
WRONG = {
    "id": [5, None, ["a"], "\ud800"],
    "window": [5, None, ["a"]],
    "action": [None],
    "values": [None, [1], "a"],
    "seed": ["5", None, 1.5, True, 10**30],
    "place": ["0", None, 2**63 - 1, 10**30, -(10**30)],
    "run": ["0", None],
    "state": ["over", None, ["done"]],
    "next_index": ["0"],
    "image_number": ["1"],
    "private": [1, "yes"],
    "comments": [None],
    "seconds": ["1"],
    "source": [5, ["a"]],
    "mask": [5, {"a": 1}],
    "made": [5, [5], [{**MADE, "index": "x"}], [{**MADE, "index": [1]}], [{**MADE, "file": 3}]],
    "announced": [
        5,
        {"picture": {**MADE, "seed": "y"}, "entry": {}},
        {"picture": MADE, "entry": None},
    ],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, values in WRONG.items() for v in values])
def test_a_stored_value_of_the_wrong_type_makes_no_job(server, caplog, name, value):
    server.add("a")
    (stored,) = server.store.load()
    line = json.dumps({**json.loads(stored.to_json()), "id": "wrong", name: value})
    with pytest.raises(ValueError, match="not a job"):
        QueuedJob.from_json(line)
    with sqlite3.connect(next(server.folder.glob("*.sqlite3"))) as connection:
        connection.execute("INSERT INTO jobs VALUES ('wrong', 0, ?, NULL)", (line,))
    connection.close()
    server.restart()
    server.add("b")
    assert server.waiting() == ["a", "b"]
    assert [server.run(), server.run()] == ["a", "b"]


def test_a_job_with_everything_comes_back():
    made = Made(0, None, "text", 1), Made(1, "b.png", "", 2)
    job = QueuedJob(
        "a",
        WINDOW,
        "generate",
        {"prompt": "p"},
        seed=5,
        place=-1,
        state="running",
        announced=Announced(made[1], {"Seed": 2}),
        made=made,
        seconds=1,
        source="picture",
        mask="mask",
    )
    assert QueuedJob.from_json(job.to_json()) == job


def test_a_job_that_cannot_be_stored_is_not_added(server, monkeypatch):
    def refuse(change):
        raise OSError("disk full")

    monkeypatch.setattr(server.store, "commit", refuse)
    with pytest.raises(OSError, match="disk full"):
        server.add("a")
    assert server.waiting() == []


def test_a_job_that_runs_goes_on_where_the_disk_is_full(server, monkeypatch, caplog):
    server.add("a")

    def refuse(change):
        raise OSError("disk full")

    monkeypatch.setattr(server.store, "commit", refuse)
    assert server.run() == "a"
    assert server.shown() == ["a-0.png"]
    assert "not on disk" in caplog.text


def test_text_of_any_kind_comes_back():
    job = QueuedJob("a", WINDOW, "generate", {"prompt": "\ud800 ä \x00 \u2028"}, seed=2**63 - 40)
    assert QueuedJob.from_json(job.to_json()) == job
    newer = job.to_json().replace('{"id"', '{"of a newer version": 1, "id"', 1)
    assert QueuedJob.from_json(newer) == replace(job)


def test_a_picture_is_kept_once_for_all_jobs_that_start_from_it_and_as_long_as_one_needs_it(server):
    for name in ("a", "b", "c"):
        server.add(name, source=b"pixels", mask=b"mask of " + name.encode())
    assert sorted(server.pictures()) == [b"mask of a", b"mask of b", b"mask of c", b"pixels"]
    size = sum(len(row[0]) for row in server.store._connection.execute("SELECT content FROM jobs"))
    assert size < 3000  # a job has its pictures' names alone
    server.run()
    server.queue.remove(WINDOW, "c")
    server.restart()
    assert sorted(server.pictures()) == [b"mask of b", b"pixels"]
    job = server.queue.take()
    assert server.queue.picture_kept(job.mask) == b"mask of b"
    server.queue.fail("b", "no memory")
    server.restart()
    assert server.source("b") == b"pixels"  # it may be tried again
    server.queue.retry(WINDOW, "b")
    server.run()
    assert server.pictures() == []


@pytest.mark.parametrize("way", ["remove", "clear", "restart"])
def test_a_job_that_is_given_up_leaves_the_picture_that_it_started_from_to_nobody(server, way):
    """One that has made pictures stays with them as done."""
    server.add("a", image_number=2, source=b"pixels")
    server.queue.take()
    server.queue.picture_made("a", picture("a", 0))
    server.queue.fail("a", "no memory")
    assert server.pictures() == [b"pixels"]
    if way == "remove":
        server.queue.remove(WINDOW, "a")
    elif way == "clear":
        server.queue.clear(WINDOW)
    else:  # killed before the picture was removed
        server.store.commit(Change([replace(server.queue.now("a"), state="done")]))
        server.restart()
    assert server.pictures() == []
    assert server.shown() == ["a-0.png"]


def test_a_folder_of_pictures_that_cannot_be_read_does_not_stop_the_queue(server, monkeypatch):
    server.add("a", source=b"pixels")

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    server.restart()
    assert server.run() == "a"


def test_a_picture_that_an_older_version_has_stored_with_its_job_is_still_there(server):
    server.add("a")
    server.store._connection.execute("UPDATE jobs SET source = ?", (b"pixels",))
    server.store._connection.commit()
    server.restart()
    assert server.source("a") == b"pixels"
    server.restart()
    assert server.source("a") == b"pixels"


@pytest.mark.parametrize("name", ["../queue-1.sqlite3", "a" * 64, "", "C:\\x"])
def test_a_stored_job_names_no_file_but_a_picture(server, name):
    server.add("a", source=b"pixels")
    assert server.queue.picture_kept(name) is None


@pytest.mark.parametrize("loss", ["a job", "the file"])
def test_what_cannot_be_read_keeps_the_pictures_that_it_started_from(server, loss):
    """Another version may read the job, and somebody rescue the file."""
    server.add("a", source=b"pixels")
    server.store.close()
    (file,) = server.folder.glob("*.sqlite3")
    if loss == "a job":
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE jobs SET content = 'of a newer version'")
        connection.close()
    else:
        file.write_bytes(b"no database at all, " * 100)
    server.start()
    assert server.waiting() == []
    assert server.pictures() == [b"pixels"]

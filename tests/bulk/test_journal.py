"""What a kill, a power cut or a hand may leave in a folder, and what the next start makes of it."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import tarfile

import pytest
from PIL import Image

from bulk import body, inspect_folder, manifest, pictures, records, resume
from bulk.admission import Standard
from bulk.answers import Answer, Made
from bulk.errors import UsageError
from bulk.journal import Finished, Folder, Journal, read_records, write_json, write_whole
from bulk.plan import Plan
from tests.bulk.stubs import write_list

STANDARD = Standard("http://a", "model", "abcdef0123", "0.1.0", "0")


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path / "out")
    folder.path.mkdir()
    return folder


@pytest.fixture
def plan(tmp_path):
    plan = Plan(tmp_path / "plan.sqlite")
    requests = [{"prompt": f"picture {i}", "seed": i, "id": f"no {i}"} for i in range(4)]
    plan.read(write_list(tmp_path / "list.jsonl", requests), body.checked_defaults({}))
    plan.set_keys(STANDARD.model_hash, STANDARD.version)
    return plan


def made(plan, picture, shade: int) -> Finished:
    content = png(shade)
    facts = pictures.read_png(content)._replace(infotext="text")
    answer = Answer("picture", seconds=1.0)
    result = Made(content, facts, prompt="a", model="m", model_hash="abcdef0123")
    return Finished(records.of_made(plan, picture, "0.1.0", "http://a", answer, result), content)


def filled(folder, plan) -> list[str]:
    """Store three of the four pictures, and return all keys."""
    journal = Journal(folder)
    four = list(plan.open_pictures())
    journal.add(made(plan, picture, number) for number, picture in enumerate(four[:3]))
    journal.close()
    return [picture.key for picture in four]


def load(folder, plan, **options) -> int:
    journal = Journal(folder)
    found = resume.load(folder, journal, plan, STANDARD, **{"retry_failed": False, **options})
    journal.close()
    return found


def open_keys(plan) -> list[str]:
    return [picture.key for picture in plan.open_pictures()]


@pytest.mark.parametrize("torn", [b"{", b'{"key":"' + b"x" * 100_000, b'{"status":"done"}'])
def test_a_torn_line_is_dropped(folder, plan, torn: bytes):
    keys = filled(folder, plan)
    with folder.journal.open("ab") as file:
        file.write(torn)
    load(folder, plan)
    assert open_keys(plan) == keys[3:]
    assert folder.journal.read_bytes().endswith(b"}\n")
    assert len(list(read_records(folder.journal))) == 3


def test_a_journal_of_one_torn_line_is_empty(folder):
    folder.journal.write_bytes(b'{"key"')
    Journal(folder).close()
    assert folder.journal.read_bytes() == b""


def test_a_picture_that_is_gone_or_cut_short_is_made_again(folder, plan):
    keys = filled(folder, plan)
    folder.image(keys[0]).unlink()
    folder.image(keys[1]).write_bytes(b"")
    load(folder, plan)
    assert open_keys(plan) == [keys[0], keys[1], keys[3]]
    assert [record["key"] for record in read_records(folder.journal)] == [keys[2]]


def test_a_picture_without_a_line_is_adopted_and_a_broken_one_removed(folder, plan):
    keys = filled(folder, plan)
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(lines[0])
    folder.image(keys[2]).write_bytes(png(2)[:-20])
    assert load(folder, plan) == 1
    assert open_keys(plan) == keys[2:]
    assert not folder.image(keys[2]).exists()
    _first, adopted = read_records(folder.journal)
    assert (adopted["key"], adopted["ids"], adopted["adopted"]) == (keys[1], ["no 1"], True)
    assert adopted["pixels_sha256"] == json.loads(lines[1])["pixels_sha256"]
    assert inspect_folder.verify(folder).problems == []


def test_what_was_being_written_is_removed(folder, plan):
    keys = filled(folder, plan)
    unfinished = folder.image(keys[3]).with_suffix(".png.part")
    unfinished.parent.mkdir(exist_ok=True)
    unfinished.write_bytes(b"half")
    load(folder, plan)
    assert not unfinished.exists()


def test_of_two_records_of_a_key_the_first_stays(folder, plan):
    keys = filled(folder, plan)
    lines = folder.journal.read_bytes()
    folder.journal.write_bytes(lines + lines)
    load(folder, plan)
    assert [record["key"] for record in read_records(folder.journal)] == keys[:3]


def test_failures_stay_unless_they_are_to_be_tried_again(folder, plan):
    keys = filled(folder, plan)
    last = list(plan.open_pictures())[3]
    journal = Journal(folder)
    failure = records.of_failed(plan, last, "0.1.0", "http://a", Answer("refused", "no", 422))
    journal.add([Finished(failure, None)])
    journal.close()
    load(folder, plan)
    assert open_keys(plan) == []
    plan._db.execute("DELETE FROM record")
    load(folder, plan, retry_failed=True)
    assert open_keys(plan) == [keys[3]]
    assert len(list(read_records(folder.journal))) == 3


def test_verify_finds_what_is_not_as_the_journal_says(folder, plan):
    keys = filled(folder, plan)
    assert inspect_folder.verify(folder).problems == []
    folder.image(keys[0]).write_bytes(png(77))
    folder.image(keys[1]).unlink()
    stranger = folder.image("ab" * 32)
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_bytes(png(3))
    problems = "\n".join(inspect_folder.verify(folder).problems)
    assert f"{keys[0]}.png has another pixels_sha256 than its record" in problems
    assert f"{keys[1]}.png [Errno 2]" in problems
    assert f"{stranger.name} has no record" in problems


def test_only_one_driver_works_in_a_folder(folder):
    with folder.lock():
        assert inspect_folder.is_running(folder)
        with pytest.raises(UsageError, match="another run works in this folder"):
            folder.lock()
    assert not inspect_folder.is_running(folder)


def test_shards_hold_the_finished_pictures_and_surplus_ones_go(folder, plan):
    keys = filled(folder, plan)
    assert manifest.write_shards(folder, 1) == 3
    assert manifest.write_shards(folder, 2) == 2
    assert sorted(path.name for path in folder.shards.iterdir()) == ["000000.tar", "000001.tar"]
    with tarfile.open(folder.shards / "000000.tar") as shard:
        names = [f"{key}.{ending}" for key in keys[:2] for ending in ("png", "json", "txt")]
        assert shard.getnames() == names
        assert shard.extractfile(names[0]).read() == png(0)
        assert json.loads(shard.extractfile(names[1]).read())["key"] == keys[0]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"standard": {"of": "http://a"}}'])
def test_a_folder_whose_checkpoint_nobody_knows_is_not_added_to(folder, plan, content):
    """Else a webui with another checkpoint would set a new standard, and the folder had pictures of two."""
    if content is not None:
        folder.run.write_bytes(content)
    assert resume.standard_of(folder) is None  # as long as there is no picture
    filled(folder, plan)
    with pytest.raises(UsageError, match=r"run\.json"):
        resume.standard_of(folder)


def test_what_a_later_version_has_added_to_the_standard_is_passed_over(folder):
    kept = {**dataclasses.asdict(STANDARD), "vae": "x"}
    write_json(folder.run, {"standard": kept}, is_kept=True)
    assert resume.standard_of(folder) == STANDARD


def test_what_others_keep_beside_the_shards_stays(folder, plan):
    filled(folder, plan)
    folder.shards.mkdir()
    own = {folder.shards / name for name in ("mine.tar", "2024.tar", "000000.tar.gz")}
    for path in own:
        path.touch()
    assert manifest.write_shards(folder, 2) == 2
    assert own < set(folder.shards.iterdir())


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_file_that_cannot_be_written_to_its_end_stays_as_it_was(monkeypatch, tmp_path, is_kept):
    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    path = tmp_path / "status.json"
    path.write_bytes(b"as it was")
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        full.setattr(type(path), "replace", fail)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, b"new", is_kept=is_kept)
    assert path.read_bytes() == b"as it was"
    write_whole(path, b"new", is_kept=is_kept)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]

"""Several downloads at once: one after the other, each once, paused, gone on with, dropped, taken up."""

from __future__ import annotations

import threading
import time

import pytest

from fooocus_ext.downloads.files import RECORD, RemoteFile, read_record
from fooocus_ext.downloads.orders import Order
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.downloads.sources import Sources
from tests.downloads.publisher import weights

CONTENT = weights(300_000)


@pytest.fixture
def arrived():
    return []


@pytest.fixture
def downloads(arrived):
    return Downloads(arrived.append)


def order_of(publisher, folder, *names, **more):
    files = tuple(RemoteFile(name, publisher.url(name)) for name in names)
    sources = Sources(publisher.address)
    return Order(f"lora/{names[0]}", "lora", files, folder, lambda: sources, **more)


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_downloads_take_turns(publisher, tmp_path, downloads, arrived):
    names = [f"{letter}.safetensors" for letter in "abc"]
    for name in names:
        publisher.publish(name, CONTENT, seconds=0.1)
    added = [downloads.add(order_of(publisher, tmp_path, name)) for name in names]
    assert [each.state for each in added[1:]] == ["waiting", "waiting"]
    for each in added:
        assert each.ended.wait(10)
    assert [each.state for each in downloads.all()] == ["done"] * 3
    assert [path for path, _range in publisher.asked] == names
    assert [order.files[0].name for order in arrived] == names
    assert all((tmp_path / name).read_bytes() == CONTENT for name in names)


def test_the_same_file_twice_at_once_is_one_download(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT, seconds=0.1)
    order = order_of(publisher, tmp_path, "a.safetensors")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(downloads.add(order))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in found}) == 1
    assert found[0].ended.wait(10)
    assert len(publisher.asked) == 1
    again = downloads.add(order)
    assert again.ended.wait(10)
    assert (again.state, len(publisher.asked)) == ("done", 1)


def test_a_download_tells_how_fast_it_is_and_what_is_left(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT, seconds=0.5)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors"))
    wait_until(lambda: download.bytes_done > 150_000)
    speed, left = download.speed, download.seconds_left
    assert 10_000 < speed < 2_000_000  # 50 000 bytes take half a second
    assert 0.0 < left < 15.0
    assert download.bytes_total == len(CONTENT)
    assert download.ended.wait(10)
    assert download.speed is None


def test_one_is_paused_while_another_goes_on(publisher, tmp_path, downloads):
    for name in ("a.safetensors", "b.safetensors"):
        publisher.publish(name, CONTENT, seconds=0.1)
    first, second = (
        downloads.add(order_of(publisher, tmp_path, name))
        for name in ("a.safetensors", "b.safetensors")
    )
    wait_until(lambda: first.bytes_done)
    assert downloads.pause("lora/a.safetensors")
    assert second.ended.wait(10)
    assert (first.state, second.state) == ("paused", "done")
    assert (tmp_path / "a.safetensors.part").exists()
    assert not downloads.pause("lora/a.safetensors")
    assert downloads.resume("lora/a.safetensors")
    wait_until(lambda: downloads.find("lora/a.safetensors").state == "done")
    assert (tmp_path / "a.safetensors").read_bytes() == CONTENT
    assert publisher.asked[-1][1] is not None
    assert not downloads.resume("lora/a.safetensors")


def test_one_that_waits_is_paused_at_once(publisher, tmp_path, downloads):
    for name in ("a.safetensors", "b.safetensors"):
        publisher.publish(name, CONTENT, seconds=0.1)
    first = downloads.add(order_of(publisher, tmp_path, "a.safetensors"))
    second = downloads.add(order_of(publisher, tmp_path, "b.safetensors"))
    assert downloads.pause("lora/b.safetensors")
    assert second.state == "paused"
    assert first.ended.wait(10)
    assert [path for path, _range in publisher.asked] == ["a.safetensors"]


def test_one_that_is_gone_on_with_before_it_has_stopped(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT, seconds=0.1)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors"))
    wait_until(lambda: download.bytes_done)
    downloads.pause("lora/a.safetensors")
    downloads.resume("lora/a.safetensors")
    assert download.ended.wait(10)
    assert download.state == "done"


@pytest.mark.parametrize("is_running", [True, False])
def test_a_dropped_one_leaves_nothing(publisher, tmp_path, downloads, is_running):
    publisher.publish("a.safetensors", CONTENT, seconds=0.1)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors"))
    wait_until(lambda: download.bytes_done)
    if not is_running:
        downloads.pause("lora/a.safetensors")
        assert download.ended.wait(10)
    assert downloads.remove("lora/a.safetensors")
    assert downloads.all() == []
    assert download.ended.wait(10)
    assert list(tmp_path.iterdir()) == []
    assert not downloads.remove("lora/a.safetensors")


def test_a_failure_does_not_hold_up_the_next(publisher, tmp_path, downloads):
    publisher.publish("b.safetensors", CONTENT)
    first = downloads.add(order_of(publisher, tmp_path, "missing.safetensors"))
    second = downloads.add(order_of(publisher, tmp_path, "b.safetensors"))
    assert second.ended.wait(10)
    assert (first.state, second.state) == ("failed", "done")
    assert "HTTP 404" in first.error
    assert [path.name for path in tmp_path.iterdir()] == ["b.safetensors"]
    publisher.publish("missing.safetensors", CONTENT)
    assert downloads.resume("lora/missing.safetensors")
    wait_until((tmp_path / "missing.safetensors").exists)


def test_a_file_that_nobody_may_look_for_does_not_hold_up_the_next(publisher, tmp_path, downloads):
    """A name that is too long with its ending fails as a folder does that is closed to us."""
    publisher.publish("b.safetensors", CONTENT)
    first = downloads.add(order_of(publisher, tmp_path, "a" * 253))
    assert first.ended.wait(10)
    second = downloads.add(order_of(publisher, tmp_path, "b.safetensors"))
    assert second.ended.wait(10)
    assert (first.state, second.state) == ("failed", "done")
    assert "cannot be written" in first.error


def test_what_nobody_may_look_for_any_more_is_left_out_of_the_list(
    publisher, tmp_path, downloads, monkeypatch
):
    publisher.publish("a.safetensors", CONTENT)
    assert downloads.add(order_of(publisher, tmp_path, "a.safetensors")).ended.wait(10)

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr("pathlib.Path.exists", refuse)
    assert downloads.all() == []


def test_a_worker_that_has_died_is_replaced(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT)
    downloads._worker = threading.Thread()
    assert downloads.add(order_of(publisher, tmp_path, "a.safetensors")).ended.wait(10)


def test_a_list_that_cannot_be_read_again_does_not_undo_a_download(publisher, tmp_path):
    def fail(_order):
        raise RuntimeError("lists are out of order")

    publisher.publish("a.safetensors", CONTENT)
    download = Downloads(fail).add(order_of(publisher, tmp_path, "a.safetensors"))
    assert download.ended.wait(10)
    assert download.state == "done"


def test_files_of_one_order_take_their_names_together(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors", "b.safetensors"))
    assert download.ended.wait(10)
    assert download.state == "failed"
    assert not (tmp_path / "a.safetensors").exists()
    publisher.publish("b.safetensors", CONTENT)
    downloads.resume(download.order.key)
    wait_until((tmp_path / "b.safetensors").exists)
    assert (tmp_path / "a.safetensors").read_bytes() == CONTENT


def test_a_file_of_that_name_stays(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT)
    (tmp_path / "a.safetensors").write_text("the user's own", encoding="utf-8")
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors"))
    assert download.ended.wait(10)
    assert download.state == "done"
    assert (tmp_path / "a.safetensors").read_text(encoding="utf-8") == "the user's own"
    assert publisher.asked == []


@pytest.mark.parametrize(("replaces", "expected"), [(False, b"the user's own"), (True, CONTENT)])
def test_a_file_that_came_meanwhile_stays_unless_it_may_be_replaced(
    publisher, tmp_path, downloads, replaces, expected
):
    publisher.publish("a.safetensors", CONTENT, seconds=0.1)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors", replaces=replaces))
    wait_until(lambda: download.bytes_done)
    (tmp_path / "a.safetensors").write_bytes(b"the user's own")
    assert download.ended.wait(10)
    assert download.state == "done"
    assert (tmp_path / "a.safetensors").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_what_waits_or_was_begun_is_found_after_a_restart(publisher, tmp_path, downloads):
    for name in ("a.safetensors", "b.safetensors"):
        publisher.publish(name, CONTENT, seconds=0.5)
        downloads.add(order_of(publisher, tmp_path, name))
    wait_until(lambda: downloads.find("lora/a.safetensors").bytes_done)
    downloads.pause("lora/b.safetensors")  # before its turn comes
    downloads.pause("lora/a.safetensors")
    assert downloads.find("lora/a.safetensors").ended.wait(10)
    (tmp_path / f"broken.safetensors{RECORD}").write_text("{", encoding="utf-8")
    (tmp_path / f"other.safetensors{RECORD}").write_bytes(
        (tmp_path / f"a.safetensors{RECORD}").read_bytes()
    )

    restarted = Downloads(lambda _order: None)
    restarted.take_up("lora", tmp_path, lambda: Sources(publisher.address))
    restarted.take_up("vae", tmp_path / "nowhere", Sources)
    found = restarted.all()
    assert [(each.order.files[0].name, each.state) for each in found] == [
        ("a.safetensors", "paused"),
        ("b.safetensors", "paused"),
    ]
    assert 0 < found[0].bytes_done < len(CONTENT)
    for each in found:
        assert restarted.resume(each.order.key)
    wait_until(lambda: all(each.state == "done" for each in restarted.all()))
    assert sorted(path.name for path in tmp_path.glob("[ab].*")) == [
        "a.safetensors",
        "b.safetensors",
    ]


def test_a_file_that_was_taken_away_again_is_not_called_done(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT)
    order = order_of(publisher, tmp_path, "a.safetensors")
    assert downloads.add(order).ended.wait(10)
    (tmp_path / "a.safetensors").unlink()
    assert downloads.all() == []
    assert downloads.add(order).ended.wait(10)
    assert (tmp_path / "a.safetensors").read_bytes() == CONTENT


def test_a_download_that_takes_too_long_ends(publisher, tmp_path, downloads):
    publisher.publish("a.safetensors", CONTENT, seconds=0.2)
    download = downloads.add(order_of(publisher, tmp_path, "a.safetensors", max_seconds=0.3))
    assert download.ended.wait(10)
    assert (download.state, "took longer" in download.error) == ("failed", True)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"name": 1}',
        '{"name": "a", "url": "u", "sha256": "", "version": "", "size": -1}',
        '{"name": "a", "url": "u", "sha256": "", "version": "", "size": true}',
        '{"name": "../a", "url": "u", "sha256": "", "version": "", "size": 1}',
        '{"name": "a", "url": "u", "sha256": "", "size": 1}',
    ],
)
def test_a_record_that_makes_no_sense_is_none(tmp_path, content):
    (tmp_path / f"a{RECORD}").write_text(content, encoding="utf-8")
    assert read_record(tmp_path / f"a{RECORD}") is None

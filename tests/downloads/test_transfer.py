"""One file from a server that breaks off, lies, refuses, changes the file or leads elsewhere."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from fooocus_ext.downloads import transfer
from fooocus_ext.downloads.connection import look
from fooocus_ext.downloads.files import (
    DownloadError,
    Record,
    RemoteFile,
    StoppedError,
    take_name,
)
from fooocus_ext.downloads.sources import ANYWHERE, Sources
from fooocus_ext.downloads.transfer import Transfer
from tests.downloads.publisher import weights

CONTENT = weights(400_000)
NAME = "model.safetensors"


def fetch(publisher, folder, *, go_on=lambda: None, largest=10**9, sources=None, **known):
    """Fetch the file as the queue does, and return what came."""
    file = RemoteFile(NAME, publisher.url(NAME), **known)
    seen = []
    Transfer(
        file,
        folder,
        sources or Sources(publisher.address),
        largest,
        lambda *told: seen.append(told),
        go_on,
    ).run()
    take_name(file, folder)
    return seen


def stopping_after(calls):
    """Return what stops a download when it has been asked that many times."""
    left = [calls]

    def go_on():
        left[0] -= 1
        if left[0] < 0:
            raise StoppedError("stopped")

    return go_on


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_leaves_nothing_beside_it(publisher, tmp_path):
    file = publisher.publish(NAME, CONTENT)
    seen = fetch(publisher, tmp_path / "new", sha256=file.sha256, size=len(CONTENT))
    assert (tmp_path / "new" / NAME).read_bytes() == CONTENT
    assert names(tmp_path / "new") == [NAME]
    assert seen[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert [done for _name, done, _all in seen] == sorted(done for _name, done, _all in seen)


@pytest.mark.parametrize("is_known", [True, False], ids=["sum known", "sum unknown"])
@pytest.mark.parametrize("honours_ranges", [True, False])
def test_it_goes_on_by_itself_where_it_broke_off(publisher, tmp_path, honours_ranges, is_known):
    breaks = [100_000, 200_000] if honours_ranges else [100_000]
    file = publisher.publish(NAME, CONTENT, breaks_after=breaks, honours_ranges=honours_ranges)
    fetch(publisher, tmp_path, sha256=file.sha256 if is_known else "")
    assert (tmp_path / NAME).read_bytes() == CONTENT
    ranges = [asked for _path, asked in publisher.asked]
    assert ranges == [None, "bytes=100000-", "bytes=300000-"][: 3 if honours_ranges else 2]


def test_it_is_given_up_when_nothing_more_comes(publisher, tmp_path):
    publisher.publish(NAME, CONTENT, breaks_after=[100_000, *[0] * 10])
    with pytest.raises(DownloadError, match=r"^model\.safetensors could not be downloaded: "):
        fetch(publisher, tmp_path)
    assert len(publisher.asked) == 4
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:100_000]


def test_it_is_not_asked_again_for_what_never_came(publisher, tmp_path):
    with pytest.raises(DownloadError, match="HTTP 404"):
        fetch(publisher, tmp_path)
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_in_between_is_asked_again(publisher, tmp_path, status):
    file = publisher.publish(NAME, CONTENT, breaks_after=[100_000])
    go_on = stopping_after(10**6)
    taken = []

    def busy():
        go_on()
        if len(publisher.asked) == 1 and not taken:
            taken.append(file.statuses.append(status))

    fetch(publisher, tmp_path, go_on=busy)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert len(publisher.asked) == 3


@pytest.mark.parametrize("is_known", [True, False], ids=["sum known", "sum unknown"])
def test_a_stopped_download_goes_on_later(publisher, tmp_path, is_known):
    file = publisher.publish(NAME, CONTENT, seconds=0.005)
    known = {"sha256": file.sha256} if is_known else {}
    with pytest.raises(StoppedError):
        fetch(publisher, tmp_path, go_on=stopping_after(4), **known)
    have = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < have < len(CONTENT)
    fetch(publisher, tmp_path, **known)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert publisher.asked[-1] == (NAME, f"bytes={have}-")


@pytest.mark.parametrize("etag", ['"second"', ""], ids=["changed", "unnamed"])
def test_a_file_that_changed_meanwhile_is_fetched_anew(publisher, tmp_path, etag):
    file = publisher.publish(NAME, CONTENT)
    file.breaks_after = [150_000, 0, 0, 0]
    with pytest.raises(DownloadError):
        fetch(publisher, tmp_path)
    file.content, file.etag = weights(300_000), etag
    fetch(publisher, tmp_path)
    assert (tmp_path / NAME).read_bytes() == file.content
    assert [asked for _path, asked in publisher.asked[-2:]] == ["bytes=150000-", None]


def test_a_part_of_nothing_known_is_not_gone_on_with(publisher, tmp_path):
    publisher.publish(NAME, CONTENT)
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * 1000)
    fetch(publisher, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_part_from_another_address_is_not_gone_on_with(publisher, tmp_path):
    publisher.publish(NAME, CONTENT)
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * 1000)
    Record(RemoteFile(NAME, "https://huggingface.co/other"), '"first"').write(tmp_path)
    fetch(publisher, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert publisher.asked == [(NAME, None)]


@pytest.mark.parametrize("said", ["bytes 0-9/10", "bytes 7-399999/400000", "nonsense", "bytes */*"])
def test_a_server_that_gives_another_part(publisher, tmp_path, said):
    file = publisher.publish(NAME, CONTENT, breaks_after=[100_000], range_said=said)
    fetch(publisher, tmp_path, sha256=file.sha256)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert publisher.asked[-1] == (NAME, None)


@pytest.mark.parametrize("is_known", [True, False], ids=["sum known", "sum unknown"])
def test_a_part_that_is_all_of_the_file(publisher, tmp_path, is_known):
    """The program ended between the last byte and the name; the server has nothing more (416)."""
    file = publisher.publish(NAME, CONTENT)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    Record(RemoteFile(NAME, publisher.url(NAME)), '"first"').write(tmp_path)
    fetch(publisher, tmp_path, sha256=file.sha256 if is_known else "")
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert [asked for _path, asked in publisher.asked] == (
        [] if is_known else [f"bytes={len(CONTENT)}-"]
    )


def test_a_part_that_is_longer_than_the_file(publisher, tmp_path):
    file = publisher.publish(NAME, CONTENT)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT + b"x")
    fetch(publisher, tmp_path, sha256=file.sha256)
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [399_000, 500_000])
def test_a_server_that_has_another_size_than_is_known(publisher, tmp_path, size):
    publisher.publish(NAME, CONTENT)
    with pytest.raises(DownloadError, match=f"does not have {size} bytes"):
        fetch(publisher, tmp_path, size=size)
    assert names(tmp_path) == []


def test_a_server_that_states_no_length_and_gives_too_much(publisher, tmp_path):
    publisher.publish(NAME, CONTENT, states_length=False)
    with pytest.raises(DownloadError, match="does not have 300000 bytes"):
        fetch(publisher, tmp_path, size=300_000)
    assert names(tmp_path) == []


def test_a_server_that_states_no_length_and_gives_too_little(publisher, tmp_path):
    publisher.publish(NAME, CONTENT, states_length=False, breaks_after=[100_000, 50_000])
    fetch(publisher, tmp_path, size=len(CONTENT))
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("stated", [300_000, 500_000])
def test_a_server_that_lies_about_the_length(publisher, tmp_path, stated):
    """Too short: the rest is cut off, and the file's header tells. Too long: it breaks off and goes on."""
    publisher.publish(NAME, CONTENT, stated_length=stated)
    if stated < len(CONTENT):
        with pytest.raises(DownloadError, match="as long as its header says"):
            fetch(publisher, tmp_path)
        assert names(tmp_path) == []
    else:
        fetch(publisher, tmp_path)
        assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"<html>Log in first</html>", b"", weights(1000, surplus=1)])
def test_what_is_no_model_is_not_taken(publisher, tmp_path, content):
    publisher.publish(NAME, content)
    with pytest.raises(DownloadError, match=r"no safetensors file|as long as its header"):
        fetch(publisher, tmp_path)
    assert names(tmp_path) == []


def test_another_file_than_the_sum_says(publisher, tmp_path):
    publisher.publish(NAME, CONTENT)
    with pytest.raises(DownloadError, match="checksum is wrong"):
        fetch(publisher, tmp_path, sha256="0" * 64)
    assert names(tmp_path) == []


@pytest.fixture
def keeps_open_files(monkeypatch):
    """A system that removes no file that is open here, as Windows removes none."""
    open_file, unlink, opened = Path.open, Path.unlink, []

    def remember(path, *args, **kwargs):
        opened.append((path, open_file(path, *args, **kwargs)))
        return opened[-1][1]

    def refuse(path, *args, **kwargs):
        if any(path == place and not stream.closed for place, stream in opened):
            raise PermissionError(errno.EACCES, "it is being used")
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", remember)
    monkeypatch.setattr(Path, "unlink", refuse)


@pytest.mark.parametrize("states_length", [True, False])
@pytest.mark.usefixtures("keeps_open_files")
def test_a_file_above_the_limit(publisher, tmp_path, states_length):
    publisher.publish(NAME, CONTENT, states_length=states_length)
    with pytest.raises(DownloadError, match="larger than the 100000 bytes"):
        fetch(publisher, tmp_path, largest=100_000)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "place", ["https://evil.org/a", "file:///etc/passwd", "ftp://127.0.0.1/a", "//", "gopher://x"]
)
def test_a_server_leads_nowhere_else(publisher, tmp_path, place):
    publisher.publish(NAME, CONTENT, leads_to=place)
    with pytest.raises(DownloadError, match=r"could not be downloaded"):
        fetch(publisher, tmp_path)
    assert not (tmp_path / NAME).exists()


def test_a_server_may_not_lead_to_another_port(publisher, tmp_path):
    publisher.publish(NAME, CONTENT, leads_to="http://127.0.0.1:1/secret")
    with pytest.raises(DownloadError, match="leads to 127"):
        fetch(publisher, tmp_path)


def test_a_server_leads_on_within_what_is_allowed(publisher, tmp_path):
    publisher.publish(NAME, b"", leads_to="/stored/it")
    publisher.publish("stored/it", CONTENT, breaks_after=[100_000])
    fetch(publisher, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert publisher.asked[-1] == ("stored/it", "bytes=100000-")


def test_a_server_that_leads_in_circles(publisher, tmp_path):
    publisher.publish(NAME, b"", leads_to=f"/{NAME}")
    with pytest.raises(DownloadError, match="in circles"):
        fetch(publisher, tmp_path)


def test_the_hubs_word_on_the_content_counts(publisher, tmp_path):
    file = publisher.publish(NAME, CONTENT[:-1], leads_to="/stored")
    publisher.publish("stored", CONTENT)
    file.linked_sum = publisher.files["stored"].sha256
    file.linked_size = len(CONTENT)
    assert look(publisher.url(NAME), Sources(publisher.address)) == (
        len(CONTENT),
        file.linked_sum,
    )
    fetch(publisher, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    file.linked_sum = "1" * 64
    (tmp_path / NAME).unlink()
    with pytest.raises(DownloadError, match="checksum is wrong"):
        fetch(publisher, tmp_path)


def test_the_hub_has_another_file_than_is_known(publisher, tmp_path):
    file = publisher.publish(NAME, CONTENT, linked_sum="1" * 64)
    with pytest.raises(DownloadError, match="another file under this name"):
        fetch(publisher, tmp_path, sha256=file.sha256)
    assert names(tmp_path) == []


def test_nobody_else_is_believed_about_the_content(publisher, tmp_path):
    publisher.publish(NAME, CONTENT, linked_sum="1" * 64, linked_size=3)
    assert look(publisher.url(NAME), ANYWHERE) == (len(CONTENT), "")
    fetch(publisher, tmp_path, sources=ANYWHERE)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_full_disk_is_told_before(publisher, tmp_path, monkeypatch):
    publisher.publish(NAME, CONTENT)
    usage = shutil.disk_usage(tmp_path)
    free = transfer.SPARE_BYTES + 300_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=free))
    with pytest.raises(DownloadError, match=r"needs 1 MiB more on the disk"):
        fetch(publisher, tmp_path)
    assert not (tmp_path / f"{NAME}.part").exists()


class FullDisk:
    """A file on a disk that takes some bytes and no more."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._stream.close()

    def write(self, block):
        self._room -= len(block)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._stream.write(block)


def test_a_disk_that_becomes_full_loses_nothing(publisher, tmp_path, monkeypatch):
    file = publisher.publish(NAME, CONTENT)
    real_open = Path.open

    def open_(path, mode="r", *args, **more):
        stream = real_open(path, mode, *args, **more)
        return FullDisk(stream, 200_000) if mode in ("ab", "wb") else stream

    with monkeypatch.context() as full:
        full.setattr(Path, "open", open_)
        with pytest.raises(DownloadError, match=r"disk of .* is full; .* is kept"):
            fetch(publisher, tmp_path, sha256=file.sha256)
    have = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < have <= 200_000
    fetch(publisher, tmp_path, sha256=file.sha256)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert publisher.asked[-1] == (NAME, f"bytes={have}-")


@pytest.mark.parametrize("name", [NAME, f"{NAME}.part", f"{NAME}.part.json"])
def test_a_folder_in_the_place_of_a_file(publisher, tmp_path, name):
    publisher.publish(NAME, CONTENT)
    (tmp_path / name).mkdir()
    with pytest.raises(DownloadError, match="in the way"):
        fetch(publisher, tmp_path)


@pytest.mark.parametrize("leads_to", ["a file", "nowhere"])
def test_a_folder_that_is_none(publisher, tmp_path, leads_to):
    publisher.publish(NAME, CONTENT)
    (tmp_path / "a file").write_text("kept", encoding="utf-8")
    (tmp_path / "folder").symlink_to(tmp_path / leads_to)
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(publisher, tmp_path / "folder")
    assert (tmp_path / "a file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("name", [NAME, f"{NAME}.part", f"{NAME}.part.json"])
@pytest.mark.parametrize("leads_to", ["elsewhere", "nowhere"])
def test_links_in_the_place_of_a_file_are_replaced_not_followed(
    publisher, tmp_path, name, leads_to
):
    publisher.publish(NAME, CONTENT)
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "elsewhere").write_text("kept", encoding="utf-8")
    (folder / name).symlink_to(tmp_path / leads_to)
    fetch(publisher, folder)
    assert (folder / NAME).read_bytes() == CONTENT
    assert not (folder / NAME).is_symlink()
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "kept"
    assert not (tmp_path / "nowhere").exists()


def test_a_proxy_that_cannot_be_used_is_told(publisher, tmp_path, monkeypatch):
    publisher.publish(NAME, CONTENT)
    monkeypatch.setenv("ALL_PROXY", "nonsense://127.0.0.1")
    with pytest.raises(DownloadError, match="proxy"):
        fetch(publisher, tmp_path)


def test_the_environments_proxy_is_used(publisher, tmp_path, monkeypatch):
    """What asks a proxy sends it the whole address."""
    publisher.publish("http://huggingface.invalid/a", CONTENT)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", publisher.address)
    file = RemoteFile(NAME, "http://huggingface.invalid/a")
    sources = Sources("http://huggingface.invalid")
    Transfer(file, tmp_path, sources, 10**9, lambda *_: None, lambda: None).run()
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT

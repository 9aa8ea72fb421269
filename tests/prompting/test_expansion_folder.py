from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from fooocus_ext.downloads import transfer
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting import expansion_folder
from fooocus_ext.prompting.expansion_folder import (
    NOTICE,
    find_expansion_folder,
    folder_state,
    model_order,
)
from tests.downloads.publisher import publishing

CONTENT = {"config.json": b'{"a": 1}', "model.safetensors": bytes(range(256)) * 9000}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
FILES = list(SUMS.items())


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setattr(transfer, "_PAUSES", (0.0, 0.0, 0.0))
    with publishing() as running:
        for name, content in CONTENT.items():
            running.publish(f"model/{name}", content)
        yield running


def download(publisher, files, folder):
    """Download the model; returns what went wrong, or nothing."""
    order = model_order(publisher.url("model"), files, folder, accept_notice=True)
    done = Downloads(lambda _order: None).add(order)
    assert done.ended.wait(20)
    return done.error


def test_a_model_is_downloaded(publisher, tmp_path):
    assert download(publisher, FILES, tmp_path / "m") == ""
    assert {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()} == CONTENT


def test_what_is_there_is_not_fetched_again(publisher, tmp_path):
    for _ in range(2):
        assert download(publisher, FILES, tmp_path) == ""
    assert len(publisher.asked) == 2


def test_a_file_that_is_another_gives_way(publisher, tmp_path):
    (tmp_path / "config.json").write_text("old", encoding="utf-8")
    assert download(publisher, FILES[:1], tmp_path) == ""
    assert (tmp_path / "config.json").read_bytes() == CONTENT["config.json"]


def test_files_take_their_names_together(publisher, tmp_path):
    (tmp_path / "config.json").write_text("old", encoding="utf-8")
    wrong = [FILES[0], ("model.safetensors", "0" * 64)]
    assert "model.safetensors was downloaded, but its checksum is wrong" in download(
        publisher, wrong, tmp_path
    )
    assert (tmp_path / "config.json").read_text(encoding="utf-8") == "old"
    assert download(publisher, FILES, tmp_path) == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def test_a_broken_off_download_goes_on(publisher, tmp_path):
    file = publisher.files["model/model.safetensors"]
    file.breaks_after = [700_000, 0, 0, 0]
    assert "model.safetensors could not be downloaded" in download(publisher, FILES[1:], tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    assert download(publisher, FILES[1:], tmp_path) == ""
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]
    assert publisher.asked[-1][1] == "bytes=700000-"


def test_a_complete_part_is_taken(publisher, tmp_path):
    (tmp_path / "model.safetensors.part").write_bytes(CONTENT["model.safetensors"])
    assert download(publisher, FILES[1:], tmp_path) == ""
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]
    assert publisher.asked == []


@pytest.mark.parametrize("states_length", [True, False])
@pytest.mark.parametrize("have", [0, 1_500_000])
def test_a_file_that_is_too_large_is_refused(publisher, tmp_path, monkeypatch, states_length, have):
    publisher.files["model/model.safetensors"].states_length = states_length
    monkeypatch.setattr(expansion_folder, "MAX_FILE_BYTES", 2_000_000)
    if have:
        (tmp_path / "model.safetensors.part").write_bytes(CONTENT["model.safetensors"][:have])
    assert "larger than the 2000000 bytes" in download(publisher, FILES[1:], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("states_length", [True, False])
def test_a_file_of_the_largest_size_is_taken(publisher, tmp_path, monkeypatch, states_length):
    publisher.files["model/model.safetensors"].states_length = states_length
    monkeypatch.setattr(expansion_folder, "MAX_FILE_BYTES", len(CONTENT["model.safetensors"]))
    assert download(publisher, FILES[1:], tmp_path) == ""
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]


@pytest.fixture
def nameless(monkeypatch):
    """The name of a host that nobody knows; no server is asked for it, which might take its time."""
    resolve = socket.getaddrinfo

    def look_up(host, *more, **options):
        if host == "no.such.host.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return "no.such.host.invalid"


def test_the_message_does_not_tell_who_answers(publisher, tmp_path, nameless):
    """A page could otherwise have the webui look for what runs in its network."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{closed.getsockname()[1]}"
        publisher.files["model/config.json"].statuses = [403]
        messages = set()
        for address in (silent, f"http://{nameless}", publisher.url("nowhere")):
            order = model_order(address, FILES[:1], tmp_path, accept_notice=True)
            done = Downloads(lambda _order: None).add(order)
            assert done.ended.wait(20)
            messages.add(done.error)
    messages.add(download(publisher, FILES[:1], tmp_path))
    assert len(messages) == 1
    assert "config.json could not be downloaded: the address does not give it" in messages.pop()


def test_the_notice_comes_first(tmp_path):
    with pytest.raises(RequestError, match="accept_notice") as caught:
        model_order("http://127.0.0.1", FILES, tmp_path / "m", accept_notice=False)
    assert NOTICE in caught.value.detail


@pytest.mark.parametrize("url", ["file:///etc", "ftp://a/b", "//a/b", "", "http://", "http://[::1"])
def test_only_http(tmp_path, url):
    with pytest.raises(RequestError, match="base_url"):
        model_order(url, FILES, tmp_path, accept_notice=True)


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "a/b",
        ".hidden",
        "",
        "a\\b",
        "x.part",
        "a\n",
        "nul",
        "run.py",
        "con.safetensors",
        "CONFIG.JSON",
        "x.bin",
    ],
)
def test_only_plain_names(tmp_path, name):
    with pytest.raises(RequestError, match="none of the files of a model"):
        model_order("http://a", [(name, "0" * 64)], tmp_path, accept_notice=True)


def test_each_name_once(tmp_path):
    with pytest.raises(RequestError, match="a name is there twice"):
        model_order("http://a", [*FILES, *FILES], tmp_path, accept_notice=True)


def test_checksum_must_be_one(tmp_path):
    with pytest.raises(RequestError, match="sha256"):
        model_order("http://a", [("config.json", "123")], tmp_path, accept_notice=True)


def test_find(tmp_path):
    models = tmp_path / "models"
    place = models / "prompt_expansion" / "fooocus_expansion"
    assert find_expansion_folder(None, models) is None
    place.mkdir(parents=True)
    (place / "model.safetensors.part").write_bytes(b"half of it")
    (place / "model.safetensors.part.json").write_text("{}", encoding="utf-8")
    assert find_expansion_folder(None, models) is None
    (place / "config.json").write_text("{}", encoding="utf-8")
    assert find_expansion_folder(None, models) == place
    assert find_expansion_folder(Path("/elsewhere"), models) == Path("/elsewhere")


def test_the_state_of_a_folder_changes_with_its_files(tmp_path):
    states = [folder_state(tmp_path / "nowhere"), folder_state(tmp_path)]
    assert states == [(), ()]
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    states.append(folder_state(tmp_path))
    assert folder_state(tmp_path) == states[-1]
    (tmp_path / "config.json").write_text("{} ", encoding="utf-8")
    states.append(folder_state(tmp_path))
    os.utime(tmp_path / "config.json", ns=(5, 5))
    states.append(folder_state(tmp_path))
    assert len(set(states)) == 4

from __future__ import annotations

import hashlib
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from fooocus_ext import downloads
from fooocus_ext.downloads import RemoteFile
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expander import ExpansionModelError
from fooocus_ext.prompting.expander.folder import (
    NOTICE,
    download_model,
    find_expansion_folder,
    folder_state,
)

CONTENT = {"config.json": b'{"a": 1}', "model.safetensors": bytes(range(256)) * 9000}


class Handler(BaseHTTPRequestHandler):
    ranges = True
    cut = 0
    states_length = True
    requests: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.requests.append((name, self.headers.get("Range")))
        if name not in CONTENT:
            self.send_error(404)
            return
        body, first = CONTENT[name], 0
        if self.ranges and self.headers.get("Range"):
            first = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if first >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if self.states_length:
            self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        self.wfile.write(body[first : len(body) - self.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    handler = type("Server", (Handler,), {"requests": []})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/model", handler
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def remote(name: str) -> RemoteFile:
    return RemoteFile(name, hashlib.sha256(CONTENT[name]).hexdigest())


FILES = [remote(name) for name in CONTENT]


def test_download(server, tmp_path):
    seen = []
    download_model(
        f"{server[0]}/",
        FILES,
        tmp_path / "m",
        accept_notice=True,
        progress=lambda *a: seen.append(a),
    )
    assert {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()} == CONTENT
    size = len(CONTENT["model.safetensors"])
    assert seen[0] == ("config.json", 8, 8)
    assert seen[-1] == ("model.safetensors", size, size)
    assert len(seen) > 3


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        download_model(server[0], FILES, tmp_path, accept_notice=True)
    assert len(server[1].requests) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_off_download_goes_on(server, tmp_path, ranges):
    url, handler = server
    handler.ranges, handler.cut = ranges, 700_000
    with pytest.raises(ExpansionModelError, match=r"model\.safetensors could not be downloaded"):
        download_model(url, FILES[1:], tmp_path, accept_notice=True)
    assert not (tmp_path / "model.safetensors").exists()
    handler.cut = 0
    download_model(url, FILES[1:], tmp_path, accept_notice=True)
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]
    assert handler.requests[1][1].startswith("bytes=")
    assert not list(tmp_path.glob("*.part"))


def test_a_wrong_checksum_leaves_nothing_behind(server, tmp_path):
    with pytest.raises(ExpansionModelError, match=r"config\.json .* checksum is wrong"):
        download_model(
            server[0], [RemoteFile("config.json", "0" * 64)], tmp_path, accept_notice=True
        )
    assert not list(tmp_path.iterdir())


def test_an_old_file_stays_until_the_new_one_is_checked(server, tmp_path):
    (tmp_path / "config.json").write_text("old")
    with pytest.raises(ExpansionModelError):
        download_model(
            server[0], [RemoteFile("config.json", "0" * 64)], tmp_path, accept_notice=True
        )
    assert (tmp_path / "config.json").read_text() == "old"


def test_a_complete_part_is_taken(server, tmp_path):
    (tmp_path / "model.safetensors.part").write_bytes(CONTENT["model.safetensors"])
    download_model(server[0], FILES[1:], tmp_path, accept_notice=True)
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]


@pytest.mark.parametrize("states_length", [True, False])
@pytest.mark.parametrize("have", [0, 1_500_000])
def test_a_file_that_is_too_large_is_refused(server, tmp_path, monkeypatch, states_length, have):
    server[1].states_length = states_length
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", 2_000_000)
    if have:
        (tmp_path / "model.safetensors.part").write_bytes(CONTENT["model.safetensors"][:have])
    with pytest.raises(
        ExpansionModelError, match=r"^files: model\.safetensors has \d+ bytes.* 2000000$"
    ):
        download_model(server[0], FILES[1:], tmp_path, accept_notice=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("states_length", [True, False])
def test_a_file_of_the_largest_size_is_taken(server, tmp_path, monkeypatch, states_length):
    server[1].states_length = states_length
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", len(CONTENT["model.safetensors"]))
    download_model(server[0], FILES[1:], tmp_path, accept_notice=True)
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]


def test_a_missing_file_is_named(server, tmp_path):
    with pytest.raises(ExpansionModelError, match=r"vocab\.json could not be downloaded"):
        download_model(
            server[0], [RemoteFile("vocab.json", "0" * 64)], tmp_path, accept_notice=True
        )


def test_the_notice_comes_first(server, tmp_path):
    with pytest.raises(RequestError, match="accept_notice") as caught:
        download_model(server[0], FILES, tmp_path / "m", accept_notice=False)
    assert NOTICE in caught.value.detail
    assert not (tmp_path / "m").exists()
    assert not server[1].requests


@pytest.mark.parametrize("path", ["nobody-listens", "a b"])
def test_an_address_that_gives_nothing_is_told(tmp_path, path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(
        ExpansionModelError, match=r"^model\.safetensors could not be downloaded: the address"
    ):
        download_model(f"{url}/{path}", FILES[1:], tmp_path, accept_notice=True)


@pytest.mark.parametrize("url", ["file:///etc", "ftp://a/b", "//a/b", "", "http://", "http://[::1"])
def test_only_http(tmp_path, url):
    with pytest.raises(RequestError, match="base_url"):
        download_model(url, FILES, tmp_path, accept_notice=True)


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
def test_only_plain_names(server, tmp_path, name):
    with pytest.raises(RequestError, match="none of the files of a model"):
        download_model(server[0], [RemoteFile(name, "0" * 64)], tmp_path, accept_notice=True)


def test_checksum_must_be_one(server, tmp_path):
    with pytest.raises(RequestError, match="sha256"):
        download_model(server[0], [RemoteFile("config.json", "123")], tmp_path, accept_notice=True)


def test_find(tmp_path):
    models = tmp_path / "models"
    place = models / "prompt_expansion" / "fooocus_expansion"
    assert find_expansion_folder(None, models) is None
    place.mkdir(parents=True)
    (place / "model.safetensors.part").write_bytes(b"half of it")
    assert find_expansion_folder(None, models) is None
    (place / "config.json").write_text("{}")
    assert find_expansion_folder(None, models) == place
    assert find_expansion_folder(Path("/elsewhere"), models) == Path("/elsewhere")


def test_the_state_of_a_folder_changes_with_its_files(tmp_path):
    states = [folder_state(tmp_path / "nowhere"), folder_state(tmp_path)]
    assert states == [(), ()]
    (tmp_path / "config.json").write_text("{}")
    states.append(folder_state(tmp_path))
    assert folder_state(tmp_path) == states[-1]
    (tmp_path / "config.json").write_text("{} ")
    states.append(folder_state(tmp_path))
    os.utime(tmp_path / "config.json", ns=(5, 5))
    states.append(folder_state(tmp_path))
    assert len(set(states)) == 4

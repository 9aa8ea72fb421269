"""A model downloaded over the API."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import model_download
from fooocus_ext.downloads.orders import Download
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.prompting.expansion_folder import downloadable_names
from tests.downloads.publisher import publishing


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"


def client_for(folder, *, may_download=True):
    app = FastAPI()
    refusal = "" if may_download else "this webui is open"
    downloads = Downloads(lambda _order: None)
    app.include_router(model_download.router(folder, downloads, lambda: refusal))
    return TestClient(app)


@pytest.fixture
def client(folder):
    return client_for(folder)


@pytest.fixture
def published(tmp_path):
    """A local server with one file; gives its address and the file's SHA-256."""
    content = b"words\n" * 1000
    source = tmp_path / "published"
    source.mkdir()
    (source / "positive.txt").write_bytes(content)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(source))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", hashlib.sha256(content).hexdigest()
    server.shutdown()
    server.server_close()


def request_for(published, **changes):
    address, sha256 = published
    files = [{"name": "positive.txt", "sha256": sha256}]
    return {"base_url": address, "files": files, "accept_notice": True, **changes}


def test_a_model_comes_only_after_its_notice_was_accepted(client, folder, published):
    notice = client.get("/fooocus/v1/expansion-model").json()["notice"]
    body = request_for(published, accept_notice=False)
    refused = client.post("/fooocus/v1/expansion-model", json=body)
    assert refused.status_code == 422
    assert notice in refused.json()["detail"]
    assert not folder.exists()


def test_a_model_is_downloaded_and_its_progress_told(client, folder, published):
    answer = client.post("/fooocus/v1/expansion-model", json=request_for(published))
    assert answer.status_code == 200, answer.text
    assert (folder / "positive.txt").read_bytes() == b"words\n" * 1000
    status = client.get("/fooocus/v1/expansion-model").json()
    assert (status["running"], status["bytes_done"], status["error"]) == (False, 6000, "")


def test_nothing_is_downloaded_where_the_host_forbids_it(folder, published):
    client = client_for(folder, may_download=False)
    refused = client.post("/fooocus/v1/expansion-model", json=request_for(published))
    assert refused.status_code == 422
    assert "--enable-insecure-extension-access" in refused.json()["detail"]
    assert not folder.exists()
    assert client.get("/fooocus/v1/expansion-model").status_code == 200


def test_a_file_with_another_checksum_is_refused(client, folder, published):
    files = [{"name": "positive.txt", "sha256": "0" * 64}]
    body = request_for(published, files=files)
    answer = client.post("/fooocus/v1/expansion-model", json=body)
    assert answer.status_code == 422
    assert "checksum" in answer.json()["detail"]
    assert not (folder / "positive.txt").exists()
    assert "checksum" in client.get("/fooocus/v1/expansion-model").json()["error"]


@pytest.mark.parametrize("name", ["run.py", "nul", "CON", "a.bin", "config.json/..", "preload.py"])
def test_only_files_of_a_model_are_downloaded(client, folder, published, name):
    body = request_for(published, files=[{"name": name, "sha256": "0" * 64}])
    refused = client.post("/fooocus/v1/expansion-model", json=body)
    assert refused.status_code == 422
    assert "model.safetensors" in refused.json()["detail"]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("version", "allowed"), [("2.5.1+cu121", False), ("2.6.0", True), ("3.0", True)]
)
def test_pickled_weights_come_only_where_reading_them_is_safe(monkeypatch, version, allowed):
    monkeypatch.setattr("torch.__version__", version)
    assert ("pytorch_model.bin" in downloadable_names()) == allowed


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_in_the_place_of_the_folder_is_named(client, folder, published, kind):
    folder.touch() if kind == "file" else folder.symlink_to(folder.parent / "nowhere")
    answer = client.post("/fooocus/v1/expansion-model", json=request_for(published))
    assert answer.status_code == 422
    assert str(folder) in answer.json()["detail"]


def test_a_download_is_cancelled(client):
    assert client.delete("/fooocus/v1/expansion-model").json() == {"cancelled": False}


def test_a_running_download_ends_when_cancelled_and_is_gone_on_with(folder):
    with publishing() as publisher, ThreadPoolExecutor(1) as pool:
        file = publisher.publish("positive.txt", b"words\n" * 50_000, seconds=0.3)
        client, body = client_for(folder), request_for((publisher.address, file.sha256))
        running = pool.submit(client.post, "/fooocus/v1/expansion-model", json=body)

        def status():
            return client.get("/fooocus/v1/expansion-model").json()

        while not status()["bytes_done"]:
            time.sleep(0.01)
        assert status()["running"]
        assert client.post("/fooocus/v1/expansion-model", json=body).status_code == 422
        assert client.delete("/fooocus/v1/expansion-model").json() == {"cancelled": True}
        refused = running.result(timeout=10)
        assert (refused.status_code, "cancelled" in refused.json()["detail"]) == (422, True)
        file.seconds = 0.0
        assert client.post("/fooocus/v1/expansion-model", json=body).status_code == 200
        assert publisher.asked[-1][1].startswith("bytes=")
    assert (folder / "positive.txt").read_bytes() == b"words\n" * 50_000
    assert not status()["running"]


def test_of_two_requests_at_once_one_is_refused(folder, published):
    class Downloads:
        """Downloads to which another request comes between the look and the order."""

        def find(self, _key):
            return None

        def add(self, order):
            others = Download(replace(order), "done")
            others.ended.set()
            return others

    app = FastAPI()
    app.include_router(model_download.router(folder, Downloads(), lambda: ""))
    answer = TestClient(app).post("/fooocus/v1/expansion-model", json=request_for(published))
    assert answer.status_code == 422
    assert "a download is running" in answer.json()["detail"]

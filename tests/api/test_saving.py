"""Presets saved and a model downloaded over the API."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from dataclasses import replace
from functools import partial

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import saving


@pytest.fixture
def changes():
    return []


@pytest.fixture
def folders(tmp_path, changes):
    return saving.Folders(
        presets=tmp_path / "presets",
        expansion_model=tmp_path / "model",
        may_download=lambda: True,
        changed=lambda: changes.append("changed"),
    )


@pytest.fixture
def client(folders):
    app = FastAPI()
    app.include_router(saving.router(folders))
    return TestClient(app)


def test_a_preset_is_saved_in_fooocus_own_keys(client, folders, changes):
    body = {
        "name": "mine",
        "settings": {"sharpness": 5, "styles": ["cinematic-default"], "performance": "Quality"},
        "cfg_scale": 4,
        "loras": [{"name": "film.safetensors", "weight": 0.5}],
    }
    answer = client.post("/fooocus/v1/presets", json=body)
    assert answer.status_code == 200, answer.text
    saved = json.loads((folders.presets / "mine.json").read_text())
    assert saved["default_sample_sharpness"] == 5
    assert saved["default_styles"] == ["Fooocus V2", "cinematic-default"]
    assert saved["default_performance"] == "Quality"
    assert saved["default_loras"] == [[True, "film.safetensors", 0.5]]
    assert changes == ["changed"]


def test_a_preset_is_not_replaced_unasked(client):
    assert client.post("/fooocus/v1/presets", json={"name": "mine"}).status_code == 200
    taken = client.post("/fooocus/v1/presets", json={"name": "mine"})
    assert taken.status_code == 422
    assert "mine" in taken.json()["detail"]
    again = client.post("/fooocus/v1/presets", json={"name": "mine", "overwrite": True})
    assert again.status_code == 200


@pytest.mark.parametrize("name", ["../x", "a/b", "", "con", "x" * 100])
def test_a_preset_stays_in_its_folder(client, folders, name):
    assert client.post("/fooocus/v1/presets", json={"name": name}).status_code == 422
    assert not folders.presets.exists() or not list(folders.presets.iterdir())


def test_wrong_settings_are_named(client):
    body = {"name": "mine", "settings": {"sharpnes": 1}}
    answer = client.post("/fooocus/v1/presets", json=body)
    assert answer.status_code == 422
    assert "sharpness" in answer.json()["detail"]


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
    saving = [{"name": "positive.txt", "sha256": sha256}]
    return {"base_url": address, "files": saving, "accept_notice": True, **changes}


def test_a_model_comes_only_after_its_notice_was_accepted(client, folders, published):
    notice = client.get("/fooocus/v1/expansion-model").json()["notice"]
    body = request_for(published, accept_notice=False)
    refused = client.post("/fooocus/v1/expansion-model", json=body)
    assert refused.status_code == 422
    assert notice in refused.json()["detail"]
    assert not folders.expansion_model.exists()


def test_a_model_is_downloaded_and_its_progress_told(client, folders, published):
    answer = client.post("/fooocus/v1/expansion-model", json=request_for(published))
    assert answer.status_code == 200, answer.text
    assert (folders.expansion_model / "positive.txt").read_bytes() == b"words\n" * 1000
    status = client.get("/fooocus/v1/expansion-model").json()
    assert (status["running"], status["bytes_done"], status["error"]) == (False, 6000, "")


def test_nothing_is_downloaded_where_the_host_forbids_it(folders, published):
    app = FastAPI()
    app.include_router(saving.router(replace(folders, may_download=lambda: False)))
    client = TestClient(app)
    refused = client.post("/fooocus/v1/expansion-model", json=request_for(published))
    assert refused.status_code == 422
    assert "--enable-insecure-extension-access" in refused.json()["detail"]
    assert not folders.expansion_model.exists()
    assert client.get("/fooocus/v1/expansion-model").status_code == 200


def test_a_file_with_another_checksum_is_refused(client, folders, published):
    saving = [{"name": "positive.txt", "sha256": "0" * 64}]
    body = request_for(published, files=saving)
    answer = client.post("/fooocus/v1/expansion-model", json=body)
    assert answer.status_code == 422
    assert "checksum" in answer.json()["detail"]
    assert not (folders.expansion_model / "positive.txt").exists()
    assert "checksum" in client.get("/fooocus/v1/expansion-model").json()["error"]

"""Presets saved over the API."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import presets


@pytest.fixture
def changes():
    return []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "presets"


@pytest.fixture
def client(folder, changes):
    app = FastAPI()
    app.include_router(presets.router(folder, lambda: changes.append("changed")))
    return TestClient(app)


def test_a_preset_is_saved_in_fooocus_own_keys(client, folder, changes):
    body = {
        "name": "mine",
        "settings": {"sharpness": 5, "styles": ["cinematic-default"], "performance": "Quality"},
        "cfg_scale": 4,
        "loras": [{"name": "film.safetensors", "weight": 0.5}],
    }
    answer = client.post("/fooocus/v1/presets", json=body)
    assert answer.status_code == 200, answer.text
    saved = json.loads((folder / "mine.json").read_text())
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
def test_a_preset_stays_in_its_folder(client, folder, name):
    assert client.post("/fooocus/v1/presets", json={"name": name}).status_code == 422
    assert not folder.exists() or not list(folder.iterdir())


def test_wrong_settings_are_named(client):
    body = {"name": "mine", "settings": {"sharpnes": 1}}
    answer = client.post("/fooocus/v1/presets", json=body)
    assert answer.status_code == 422
    assert "sharpness" in answer.json()["detail"]

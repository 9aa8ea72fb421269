"""Presets saved over the API."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import presets
from fooocus_ext.presets.files import load_presets

SHIPPED = Path(__file__).parents[2] / "presets"


@pytest.fixture
def changes():
    return []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "presets"


@pytest.fixture
def client(folder, changes):
    app = FastAPI()
    library = partial(load_presets, [SHIPPED, folder])
    app.include_router(presets.router(folder, library, lambda: changes.append("changed")))
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
    saved = json.loads((folder / "mine.json").read_text(encoding="utf-8"))
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


@pytest.mark.parametrize("name", ["default", "Default", " default ", "initial"])
def test_a_preset_of_ours_is_hidden_only_when_asked_to(client, folder, name):
    refused = client.post("/fooocus/v1/presets", json={"name": name})
    assert refused.status_code == 422
    assert f'"{name.strip().lower()}"' in refused.json()["detail"]
    assert not folder.exists()
    body = {"name": name, "overwrite": True}
    assert client.post("/fooocus/v1/presets", json=body).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"refiner": "x" * 301},
        {"refiner": "a\0b"},
        {"styles": [f"style {number}" for number in range(501)]},
        {"styles": ["x" * 301]},
        {"aspect_ratio": "nonsense"},
        {"aspect_ratio": "1*1"},
        {"refiner_method": "joint", "refiner": "x" * 2_000_000},
    ],
    ids=["long refiner", "nul", "501 styles", "long style", "no size", "strange size", "2 MB"],
)
def test_what_the_loader_would_refuse_is_not_saved(client, folder, changes, settings):
    answer = client.post("/fooocus/v1/presets", json={"name": "mine", "settings": settings})
    assert answer.status_code == 422, answer.text
    assert len(answer.text) < 20_000
    assert not folder.exists() or not list(folder.iterdir())
    assert changes == []


def test_what_is_saved_is_loaded_as_it_was(client, folder):
    settings = {
        "sharpness": 7.25,
        "styles": ["a", "b"],
        "refiner": "ö.safetensors",
        "keep": ["steps"],
    }
    words = {"prompt": "a fox\n, \u2028 ", "negative_prompt": "", "base_model": "x"}
    body = {"name": "mine", "settings": settings, "cfg_scale": 30, **words}
    assert client.post("/fooocus/v1/presets", json=body).status_code == 200
    library = load_presets([folder])
    assert not library.problems
    assert library.presets["mine"].sharpness == 7.25
    assert library.presets["mine"].prompt == words["prompt"]


def test_a_preset_of_the_users_is_renamed_and_deleted(client, folder, changes):
    client.post("/fooocus/v1/presets", json={"name": "mine", "cfg_scale": 5})
    content = (folder / "mine.json").read_bytes()
    body = {"name": "mine", "new_name": "yours"}
    assert client.post("/fooocus/v1/presets/rename", json=body).status_code == 200
    assert (folder / "yours.json").read_bytes() == content
    assert client.post("/fooocus/v1/presets/rename", json=body).status_code == 422
    assert client.delete("/fooocus/v1/presets/yours").json() == {
        "deleted": str(folder / "yours.json")
    }
    assert list(folder.iterdir()) == []
    assert client.delete("/fooocus/v1/presets/yours").status_code == 422
    assert changes == ["changed"] * 3


@pytest.mark.parametrize("name", ["default", "None", "nothing", "..", "../../secret"])
def test_nothing_but_the_users_presets_is_deleted(client, folder, name):
    (folder.parent / "secret.json").write_text("{}", encoding="utf-8")
    assert client.delete(f"/fooocus/v1/presets/{quote(name, safe='')}").status_code in (404, 422)
    assert (folder.parent / "secret.json").exists()
    assert (SHIPPED / "default.json").exists()


def test_a_preset_of_ours_stays(client):
    refused = client.delete("/fooocus/v1/presets/default")
    assert "comes with the extension and stays as it is" in refused.json()["detail"]
    body = {"name": "default", "new_name": "mine"}
    assert client.post("/fooocus/v1/presets/rename", json=body).status_code == 422


@pytest.mark.parametrize("name", ["../up", "a/b", "", "CON", "none", ".hidden", "x" * 65, "a\nb"])
def test_a_preset_gets_no_name_that_is_none(client, folder, name):
    client.post("/fooocus/v1/presets", json={"name": "mine"})
    body = {"name": "mine", "new_name": name}
    assert client.post("/fooocus/v1/presets/rename", json=body).status_code == 422
    assert [path.name for path in folder.iterdir()] == ["mine.json"]


def test_a_name_that_is_too_long_for_the_disk_is_refused(client, folder):
    client.post("/fooocus/v1/presets", json={"name": "mine"})
    body = {"name": "mine", "new_name": "\U00020000" * 64}  # 256 bytes
    refused = client.post("/fooocus/v1/presets/rename", json=body)
    assert (refused.status_code, "cannot be renamed" in refused.json()["detail"]) == (422, True)
    assert [path.name for path in folder.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("taken", ["theirs", "default"])
def test_a_renamed_preset_replaces_no_other_unasked(client, folder, taken):
    for name in ("mine", "theirs"):
        client.post("/fooocus/v1/presets", json={"name": name})
    body = {"name": "mine", "new_name": taken}
    refused = client.post("/fooocus/v1/presets/rename", json=body)
    assert (refused.status_code, taken in refused.json()["detail"]) == (422, True)
    assert (folder / "mine.json").exists()
    answer = client.post("/fooocus/v1/presets/rename", json={**body, "overwrite": True})
    assert answer.status_code == 200, answer.text
    assert (folder / f"{taken}.json").exists()
    assert not (folder / "mine.json").exists()


def test_the_case_of_a_name_is_changed(client, folder):
    client.post("/fooocus/v1/presets", json={"name": "mine"})
    body = {"name": "mine", "new_name": "Mine"}
    assert client.post("/fooocus/v1/presets/rename", json=body).status_code == 200
    assert [path.name for path in folder.iterdir()] == ["Mine.json"]

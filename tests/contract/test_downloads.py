"""Model files where they meet the host: what it has, where they belong, and its lists after one has come."""

from __future__ import annotations

import sys

import pytest

from fooocus_ext.presets.published import KINDS
from tests.downloads.publisher import weights

NAME = "contract-test.safetensors"


@pytest.fixture
def model_files():
    return sys.modules["fooocus_ext.host.machine.model_files"]


def offered(host, name):
    files = host.client.get("/fooocus/v1/downloads").json()["files"]
    return next(each for each in files if each["file"] == name)


def test_every_kind_has_a_folder_that_the_host_looks_into(host, model_files):
    assert set(model_files.folders()) == set(KINDS) == set(model_files.installed())
    checkpoint = host.modules.sd_models.get_closet_checkpoint_match(host.checkpoints.base)
    titles = {
        checkpoint.title,
        checkpoint.name_for_extra + ".safetensors",
    }  # Forge: without the hash
    assert titles & set(model_files.installed()["checkpoint"])


@pytest.mark.reports_errors
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_has_come_is_found_by_the_host(model_files, kind):
    folder = model_files.folders()[kind]
    path = folder / NAME
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(weights(1000))
    try:
        model_files.read_again(kind)
        assert any("contract-test" in name for name in model_files.installed()[kind])
        if kind == "checkpoint":
            titles = sys.modules["modules.sd_models"].checkpoint_tiles()
            assert any("contract-test" in title for title in titles)
    finally:
        path.unlink()
        if is_new:
            folder.rmdir()
        model_files.read_again(kind)
    assert not any("contract-test" in name for name in model_files.installed()[kind])


@pytest.mark.parametrize(
    ("stated", "expected"),
    [({"width": 128, "height": 64}, [128, 64]), ({}, [None, None])],
    ids=["small", "usual"],
)
def test_the_first_model_that_comes_brings_its_size_to_the_tab(
    host, model_files, monkeypatch, stated, expected
):
    fill = sys.modules["fooocus_ext.host.tab.fill"]
    monkeypatch.setattr(model_files, "read_again", str)
    monkeypatch.setattr(fill.lists, "first_run", str)
    monkeypatch.setattr(fill.checkpoints, "small_size", lambda _title: stated)
    updates = fill.refreshed("There is no model.", None, "")
    sizes = [updates[fill.REFRESHED.index(side)] for side in ("width", "height")]
    assert [each.get("value") for each in sizes] == expected


def test_refreshing_the_tab_reads_files_of_every_kind_again(host, model_files, monkeypatch):
    fill = sys.modules["fooocus_ext.host.tab.fill"]
    read = []
    monkeypatch.setattr(model_files, "read_again", read.append)
    fill.refreshed("", None, "")
    assert sorted(read) == sorted(KINDS)


@pytest.mark.reports_errors
def test_nothing_comes_without_consent_or_where_the_host_is_open(host, model_files, monkeypatch):
    name = "sdxl_lcm_lora.safetensors"
    offer = offered(host, name)
    assert offer["licence"] in host.post("/fooocus/v1/downloads", {"file": name}).detail
    monkeypatch.setattr(host.modules.shared.cmd_opts, "disable_extension_access", True)
    refused = host.post("/fooocus/v1/downloads", {"file": name, "accept_licence": True})
    assert (refused.status, "downloads nothing on request" in refused.detail) == (422, True)
    assert model_files.DOWNLOADS.all() == []

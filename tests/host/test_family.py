"""Which webuis the extension starts on, and what it says on the others."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import pytest

import fooocus_ext.host.machine
from tests.host.conftest import HOST

A1111_CALLBACKS = {"on_cfg_denoiser": None, "on_cfg_denoised": None}
FORGE_SCRIPT = type("Script", (), {"process_before_every_sampling": None})


@pytest.fixture
def is_supported(load_host_module, monkeypatch, tmp_path):
    """Return a function that asks on a webui with these folders, callbacks and hooks."""

    def ask(folders=(), callbacks=A1111_CALLBACKS, script=object, engine=None):
        for name in folders:
            (tmp_path / name).mkdir()
        versions = load_host_module(
            "machine/versions",
            paths=SimpleNamespace(script_path=str(tmp_path)),
            script_callbacks=SimpleNamespace(**callbacks),
            scripts=SimpleNamespace(Script=script),
        )
        monkeypatch.setattr(fooocus_ext.host.machine, "versions", versions, raising=False)
        monkeypatch.setitem(
            sys.modules, "fooocus_ext.host.forge.engine", SimpleNamespace(engine=engine)
        )
        return load_host_module("family").is_supported()

    return ask


def test_a1111_is_known(is_supported, caplog):
    assert is_supported(folders=["modules", "extensions"])
    assert caplog.records == []


@pytest.mark.parametrize("folders", [["modules_forge", "ldm_patched"], ["backend"]])
def test_the_forge_family_is_known_if_it_has_the_engine_and_the_hooks(
    is_supported, caplog, folders
):
    assert is_supported(
        folders, {"on_cfg_denoiser": None}, FORGE_SCRIPT, engine=lambda: "an engine"
    )
    assert caplog.records == []


def of_another_make():
    raise ImportError("No module named 'backend.loader'")


@pytest.mark.parametrize(
    ("folders", "callbacks", "script", "named"),
    [
        (["modules_forge", "ldm_patched"], A1111_CALLBACKS, object, "modules_forge, ldm_patched"),
        (["backend"], {}, FORGE_SCRIPT, "backend"),
        (["backend"], A1111_CALLBACKS, FORGE_SCRIPT, "No module named 'backend.loader'"),
        ([], {"on_cfg_denoiser": None}, object, "a webui that does not"),
        ([], {}, object, "a webui that does not"),
    ],
)
def test_others_get_one_readable_notice(is_supported, caplog, folders, callbacks, script, named):
    caplog.set_level(logging.ERROR, "fooocus")
    assert not is_supported(folders, callbacks, script, engine=of_another_make)
    [notice] = caplog.messages
    assert named in notice
    assert "1.6 to 1.10" in notice
    assert "reForge" in notice
    assert "report" in notice


@pytest.mark.parametrize("folder", ["a1111", "forge"])
def test_what_is_of_one_family_is_imported_by_itself_and_where_families_are_told_apart(folder):
    importers = {
        path.relative_to(HOST).parts[0]
        for path in HOST.rglob("*.py")
        if f"fooocus_ext.host.{folder}" in path.read_text("utf-8")
    }
    assert importers == {folder, "family.py"}

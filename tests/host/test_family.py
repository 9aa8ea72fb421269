"""Which webuis the extension starts on, and what it says on the others."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

import fooocus_ext.host.machine

A1111_CALLBACKS = {"on_cfg_denoiser": None, "on_cfg_denoised": None}


@pytest.fixture
def is_supported(load_host_module, monkeypatch, tmp_path):
    """Return a function that asks on a webui with these folders and callbacks."""

    def ask(folders=(), callbacks=A1111_CALLBACKS):
        for name in folders:
            (tmp_path / name).mkdir()
        versions = load_host_module(
            "machine/versions",
            paths=SimpleNamespace(script_path=str(tmp_path)),
            script_callbacks=SimpleNamespace(**callbacks),
            scripts=SimpleNamespace(Script=object),
        )
        monkeypatch.setattr(fooocus_ext.host.machine, "versions", versions, raising=False)
        return load_host_module("family").is_supported()

    return ask


def test_a1111_is_known(is_supported, caplog):
    assert is_supported(folders=["modules", "extensions"])
    assert caplog.records == []


@pytest.mark.parametrize(
    ("folders", "callbacks", "named"),
    [
        (["modules_forge", "ldm_patched"], A1111_CALLBACKS, "modules_forge, ldm_patched"),
        (["backend", "modules_forge"], A1111_CALLBACKS, "backend"),
        ([], {"on_cfg_denoiser": None}, "a webui that does not"),
        ([], {}, "a webui that does not"),
    ],
)
def test_others_get_one_readable_notice(is_supported, caplog, folders, callbacks, named):
    caplog.set_level(logging.ERROR, "fooocus")
    assert not is_supported(folders, callbacks)
    [notice] = caplog.messages
    assert named in notice
    assert "1.6 to 1.10" in notice
    assert "report" in notice

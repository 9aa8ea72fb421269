"""A benchmark's host without the extension: nothing of ours is left in it, and all of the others'."""

from __future__ import annotations

import functools
import sys
from types import ModuleType, SimpleNamespace

import pytest

from benchmarks import _host

OURS, THEIRS = "fooocus_ext.host.script", "modules.processing_scripts.seed"


def script_of(module):
    return type("Script", (), {"__module__": module})()


def callback_of(module, *, partly=False):
    def callback(_params):
        return None

    callback.__module__ = module
    return SimpleNamespace(callback=functools.partial(callback, None) if partly else callback)


@pytest.fixture
def host(monkeypatch):
    """A host's lists of scripts and callbacks, with some of ours among them."""
    scripts = [script_of(THEIRS), script_of(OURS), script_of("fooocus_extra.script")]
    lists = SimpleNamespace(
        scripts=list(scripts), alwayson_scripts=scripts[:2], callback_map={"before": scripts}
    )
    callbacks = ModuleType("script_callbacks")
    callbacks.callback_map = {
        "on_cfg": [callback_of(OURS), callback_of(THEIRS), callback_of(OURS, partly=True)]
    }
    callbacks.ordered_callbacks_map = {"on_cfg": []}
    modules = ModuleType("modules")
    modules.script_callbacks = callbacks
    monkeypatch.setitem(sys.modules, "modules", modules)
    monkeypatch.setattr(_host, "start", lambda: None)
    monkeypatch.setattr(_host.pictures, "script_runner", lambda: lists)
    return lists, callbacks


def test_only_the_others_are_left_and_ours_come_back(host):
    lists, callbacks = host
    every = [lists.scripts, lists.alwayson_scripts, callbacks.callback_map["on_cfg"]]
    before = [list(entries) for entries in every]
    with _host.without_extension():
        assert lists.scripts == [before[0][0], before[0][2]]
        assert lists.alwayson_scripts == [before[1][0]]
        assert callbacks.callback_map["on_cfg"] == [before[2][1]]
        assert lists.callback_map == callbacks.ordered_callbacks_map == {}, "sorted anew"
    assert every == before

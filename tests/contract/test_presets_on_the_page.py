"""A preset that is chosen in the tab's list: what becomes of the page's values."""

from __future__ import annotations

import sys

from fooocus_ext.limits import OFF
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import preset_from_json

SQUARE = preset_from_json("square", {"default_aspect_ratio": "1000*1000", "default_cfg_tsnr": 3.0})
SILENT = preset_from_json("silent", {})


def test_a_preset_leaves_nothing_to_the_next_one(host, monkeypatch):
    fill = sys.modules["fooocus_ext.host.tab.fill"]
    presets = {**fill.assets.presets().presets, "square": SQUARE, "silent": SILENT}
    monkeypatch.setattr(fill.assets, "presets", lambda: PresetLibrary(presets))

    def chosen(name, width, height):
        updates = dict(zip(fill.NAMES, fill.load_preset(name, width, height), strict=False))
        return [updates[each].get("value") for each in ("width", "height", "adaptive_cfg")]

    assert chosen("square", OFF, OFF) == [1000, 1000, 3.0]
    assert chosen("silent", 1000.0, 1000.0) == [OFF, OFF, 7.0]
    assert chosen("silent", 512, 768) == [None, None, 7.0]  # forced by the user

"""A preset that is chosen in the tab's list: what becomes of the page's values."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from fooocus_ext.limits import CLIP_SKIP_ON_SDXL, OFF
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

SQUARE = preset_from_json("square", {"default_aspect_ratio": "1000*1000", "default_cfg_tsnr": 3.0})
SILENT = preset_from_json("silent", {})


def on_page(monkeypatch, **added):
    """Add presets; return the module that fills the page."""
    fill = sys.modules["fooocus_ext.host.tab.fill"]
    presets = {**fill.assets.presets().presets, **added}
    monkeypatch.setattr(fill.assets, "presets", lambda: PresetLibrary(presets))
    return fill


def test_a_preset_leaves_nothing_to_the_next_one(host, monkeypatch):
    fill = on_page(monkeypatch, square=SQUARE, silent=SILENT)

    def chosen(name, width, height):
        loaded = fill.load_preset(name, width, height, "Fooocus", "")
        updates = dict(zip(fill.NAMES, loaded, strict=False))
        return [updates[each].get("value") for each in ("width", "height", "adaptive_cfg")]

    assert chosen("square", OFF, OFF) == [1000, 1000, 3.0]
    assert chosen("silent", 1000.0, 1000.0) == [OFF, OFF, 7.0]
    assert chosen("silent", 512, 768) == [None, None, 7.0]  # forced by the user


def test_the_size_of_a_small_checkpoint_takes_the_place_of_a_presets(host, monkeypatch):
    fill = on_page(monkeypatch, square=SQUARE, silent=SILENT)
    small = {"tiny": {"width": 256, "height": 192}}
    monkeypatch.setattr(fill.checkpoints, "small_size", lambda title: small.get(title, {}))
    loaded = fill.load_preset("silent", 1000, 1000, "Fooocus", "tiny")
    updates = dict(zip(fill.NAMES, loaded, strict=False))
    assert [updates[side].get("value") for side in ("width", "height")] == [256, 192]


def test_the_page_says_that_a_presets_clip_skip_has_no_effect(host, monkeypatch):
    fill = on_page(monkeypatch, layers=preset_from_json("layers", {"default_clip_skip": 3}))
    said = {
        name: fill.load_preset("layers", OFF, OFF, name, "")[-1] for name in ("webui", "Fooocus")
    }
    assert CLIP_SKIP_ON_SDXL in said["webui"]
    assert "clip skip" not in said["Fooocus"].lower()


def test_a_saved_preset_names_the_files_of_loras(host, monkeypatch, tmp_path):
    presets = sys.modules["fooocus_ext.host.tab.presets"]
    monkeypatch.setattr(presets.assets, "presets_folder", lambda: tmp_path)
    folder = Path(presets.assets.installed().folders.loras)
    files = {"film": folder / "sub" / "film.ckpt", "old": folder.parent / "LyCORIS" / "old.pt"}
    loras = {name: SimpleNamespace(filename=str(file)) for name, file in files.items()}
    monkeypatch.setitem(sys.modules, "networks", SimpleNamespace(available_networks=loras))
    page = {**DEFAULTS, "base_model": host.checkpoints.base, "lora_1": "film", "lora_2": "old"}
    presets.save("mine", False, *[page[name] for name in NAMES])
    saved = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert saved["default_loras"] == [[True, "sub/film.ckpt", 1.0], [True, "old.pt", 1.0]]

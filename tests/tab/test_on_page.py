"""Presets chosen on the page one after the other: nothing of an earlier one stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fooocus_ext.args import FOOOCUS, HOST_CHOICE
from fooocus_ext.data_files import MAX_PROBLEMS_PER_FILE
from fooocus_ext.limits import CLIP_SKIP_ON_SDXL, OFF
from fooocus_ext.metadata.preset import from_preset
from fooocus_ext.presets.files import load_presets
from fooocus_ext.presets.preset import KEYS, preset_from_json
from fooocus_ext.tab.fill import fill
from fooocus_ext.tab.on_page import ended_size, on_page
from fooocus_ext.tab.widgets import DEFAULTS
from tests.tab.names import INSTALLED, STYLES, accepted

SHIPPED = load_presets([Path(__file__).resolve().parents[2] / "presets"]).presets
PLAIN = SHIPPED["initial"]
HERE = replace(
    INSTALLED,
    checkpoints=["ponyDiffusionV6XL.safetensors", "animaPencilXL_v500.safetensors"],
    loras=["film", "sd_xl_offset_example-lora_1.0"],
    vaes=["ponyDiffusionV6XL_vae.safetensors"],
)


def mine(**content):
    return preset_from_json("mine", content)


def filled_from(preset, rendering=FOOOCUS):
    taken = on_page(preset, PLAIN, rendering)
    return fill(from_preset(taken, HERE.find(taken)), HERE, STYLES, rendering)


def test_what_the_next_preset_is_silent_about_is_at_its_default_again():
    own = mine(
        default_cfg_tsnr=3.0, default_clip_skip=1, default_image_number=8, default_adm_end=0.6
    )
    before = {**filled_from(SHIPPED["pony_v6"]).values, **filled_from(own).values}
    assert filled_from(SHIPPED["pony_v6"]).values["vae"] == "ponyDiffusionV6XL_vae.safetensors"
    assert (before["adaptive_cfg"], before["clip_skip"], before["image_number"]) == (3.0, 1, 8)
    after = {**before, **filled_from(SHIPPED["anime"]).values}
    wanted = {
        "vae": "Default",
        "adaptive_cfg": 7.0,
        "adm_end": 0.3,
        "clip_skip": 2,
        "image_number": 2,
        "steps": OFF,
        "switch_step": OFF,
        "refiner": "None",
        "refiner_method": "joint",
    }
    assert {name: after[name] for name in wanted} == wanted


def test_a_preset_that_says_nothing_is_fooocus_default_preset_with_model_and_prompts_left():
    filled = filled_from(mine())
    wanted = {
        "guidance_scale": 4.0,
        "sharpness": 2.0,
        "refiner_switch": 0.5,
        "performance": "Speed",
        "aspect_ratio": "1152×896 | 9:7",
        "lora_1": "sd_xl_offset_example-lora_1.0",
        "lora_weight_1": 0.1,
        "lora_2": "None",
        "sampler": "DPM++ 2M SDE",
    }
    assert {name: filled.values[name] for name in wanted} == wanted
    assert json.loads(filled.values["styles"])[0] == "Fooocus V2"
    left = {"base_model", "prompt", "negative_prompt", "width", "height", "seed", "rendering"}
    assert not left & filled.values.keys()
    assert accepted(filled)


def test_every_key_has_a_default():
    silent = {name for name in KEYS if getattr(on_page(mine(), PLAIN), name) is None}
    models = {"base_model", "prompt", "negative_prompt", "previous_models"}
    downloads = {"checkpoint_downloads", "embeddings_downloads", "vae_downloads"}
    assert silent - models - downloads == {"inpaint_engine"}


def test_what_a_file_asks_for_in_vain_stays_as_its_complaint_says():
    filled = filled_from(mine(default_cfg_tsnr=99, default_performance="Warp"))
    assert not {"adaptive_cfg", "performance"} & filled.values.keys()
    assert [note for note in filled.notes if "the current value stays" in note] != []


@pytest.mark.parametrize("key", ["default_sampler", "default_scheduler"])
def test_a_sampler_or_schedule_that_is_not_known_leaves_both_as_they_are(key):
    assert not {"sampler", "scheduler"} & filled_from(mine(**{key: "bogus"})).values.keys()


@pytest.mark.parametrize(("stated", "forced"), [("1000*1000", 1000), ("1001x999", 1000)])
def test_a_size_of_a_presets_own_is_forced_until_the_next_preset(stated, forced):
    preset = mine(default_aspect_ratio=stated)
    filled = filled_from(preset)
    assert (filled.values["width"], filled.values["height"]) == (forced, forced)
    assert not [note for note in filled.notes if "current value stays" in note]
    assert accepted(filled).size == (forced, forced)
    others = [preset, *SHIPPED.values()]
    assert ended_size(float(forced), float(forced), others) == {"width": OFF, "height": OFF}
    for side in (512, OFF, None):  # what the user or a small checkpoint has forced, or nobody
        assert ended_size(side, side, others) == {}


@pytest.mark.parametrize(
    ("skip", "rendering", "notes"),
    [
        (3, HOST_CHOICE, [f'Preset "mine", clip skip 3: {CLIP_SKIP_ON_SDXL}.']),
        (3, FOOOCUS, []),
        (2, HOST_CHOICE, []),  # which is what SDXL always uses
        (None, HOST_CHOICE, []),
    ],
)
def test_a_clip_skip_that_the_pages_rendering_cannot_have_is_told(skip, rendering, notes):
    filled = filled_from(mine(default_clip_skip=skip), rendering)
    assert [note for note in filled.notes if "clip skip" in note] == notes
    assert filled.values["clip_skip"] == (skip or 2)  # for when the rendering is changed


def test_a_presets_sampler_is_named_as_the_pages_rendering_reads_it():
    preset = mine(default_sampler="ddim", default_scheduler="karras")
    schedules = [filled_from(preset, name).values["scheduler"] for name in (FOOOCUS, HOST_CHOICE)]
    assert schedules == ["Karras", "Automatic"]


def test_a_switch_step_that_is_too_early_is_the_first_that_is_not():
    own = mine(default_overwrite_switch=2, default_refiner="ponyDiffusionV6XL.safetensors")
    filled = filled_from(own)
    assert filled.values["switch_step"] == 4
    assert accepted(filled).switch_step == 4


def test_the_page_begins_with_what_silence_means():
    shared = filled_from(PLAIN).values.keys() & {"adaptive_cfg", "vae", "clip_skip", "image_number"}
    assert {name: filled_from(PLAIN).values[name] for name in shared} == {
        name: DEFAULTS[name] for name in shared
    }


def test_what_a_file_cannot_have_stays_however_much_else_is_wrong_with_it():
    junk = {f"junk {number}": 1 for number in range(MAX_PROBLEMS_PER_FILE)}
    preset = mine(**junk, default_sample_sharpness=999)
    assert on_page(preset, PLAIN).sharpness is None
    assert len(preset.complaints) == MAX_PROBLEMS_PER_FILE + 1

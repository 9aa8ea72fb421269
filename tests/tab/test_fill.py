"""Settings of pictures and presets in the tab's widgets, and what the log records of the widgets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fooocus_ext.limits import OFF
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.infotext import from_infotext
from fooocus_ext.metadata.preset import from_preset
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.presets.files import load_presets
from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.presets.resolve import Resolution, resolve
from fooocus_ext.prompting.comments import HASH
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.fill import fill
from fooocus_ext.tab.record import loras_used, settings_used
from fooocus_ext.tab.style_list import grouped_styles
from fooocus_ext.tab.widgets import DEFAULTS, NAMES
from tests.tab.names import INSTALLED, STYLES


def choices(**values):
    return read_choices([{**DEFAULTS, **values}[name] for name in NAMES])


def logged(**values):
    return settings_used(
        choices(base_model="sub/base.safetensors [0123456789]", **values),
        seed=77,
        steps=values.get("steps", 30) if values.get("steps", OFF) != OFF else 30,
        size=(1152, 896),
        full_prompt=["p"],
        full_negative_prompt=["n"],
    ).to_json()


def filled_from(**values):
    metadata = logged(**values)
    read = read_fooocus_settings(json.dumps(metadata), STYLES)
    assert read is not None
    return fill(read.as_chosen(), INSTALLED, STYLES)


def test_settings_come_back_from_what_the_log_copies():
    wanted = {
        "prompt": 'a "fox" <b>',
        "negative_prompt": "dog",
        "styles": '["Fooocus V2", "O\'Brien, x"]',
        "performance": "Quality",
        "guidance_scale": 5.5,
        "sharpness": 3.0,
        "adm_positive": 1.2,
        "adaptive_cfg": 6.0,
        "refiner": "refiner.safetensors",
        "refiner_switch": 0.6,
        "refiner_method": "separate",
        "lora_1": "film",
        "lora_weight_1": 0.25,
        "sampler": "Euler a",
        "scheduler": "Exponential",
        "steps": 12,
    }
    filled = filled_from(**wanted)
    assert {name: filled.values[name] for name in wanted} == wanted
    assert filled.values["base_model"] == "sub/base.safetensors [0123456789]"
    assert (filled.values["seed"], filled.values["random_seed"]) == ("77", False)
    assert filled.notes == ()


def test_what_a_fast_performance_forces_is_logged_as_it_was_used():
    metadata = logged(performance="Lightning", refiner="refiner.safetensors", sharpness=3.0)
    used = {
        "guidance_scale": 1.0,
        "sharpness": 0.0,
        "adm_guidance": "(1.0, 1.0, 0.0)",
        "adaptive_cfg": 1.0,
        "refiner_model": "None",
        "sampler": "euler",
        "scheduler": "sgm_uniform",
    }
    assert {name: metadata[name] for name in used} == used


def test_the_lora_of_a_fast_performance_is_logged_with_the_weight_that_it_had():
    slots = {"lora_1": "sdxl_hyper_sd_4step_lora", "lora_weight_1": 0.3, "lora_2": "film"}
    own = ["sdxl_hyper_sd_4step_lora.safetensors", 0.8]
    for given in (slots, {"lora_2": "film"}):
        assert logged(performance="Hyper-SD", **given)["loras"] == [["film.safetensors", 1.0], own]
    filled = filled_from(performance="Hyper-SD", **slots)
    assert (filled.values["lora_1"], filled.values["lora_2"]) == ("film", "None")
    assert logged(performance="Speed", **slots)["loras"][0][1] == 0.3


def test_a_lora_that_the_prompt_names_is_not_logged_with_the_weight_of_its_slot():
    slot = {"lora_1": "film", "lora_weight_1": 0.3}
    assert logged(prompt="a fox <lora:film:0.7>", **slot)["loras"] == []
    assert logged(prompt="a fox <lora:filmic:0.7>", **slot)["loras"] == [["film.safetensors", 0.3]]
    assert logged(prompt="a fox # <lora:film:0.7>", **slot)["loras"] == []
    commented = choices(prompt="a fox # <lora:film:0.7>", **slot)
    assert loras_used(commented, HASH) == [("film", 0.3)]


def test_a_picture_without_a_refiner_has_no_switch_in_the_log():
    metadata = logged(refiner_switch=0.5, refiner_method="separate")
    assert not {"refiner_switch", "refiner_swap_method", "overwrite_switch"} & metadata.keys()


def test_a_switch_at_a_step_comes_back_as_one():
    metadata = logged(refiner="refiner.safetensors", switch_step=18)
    assert metadata["overwrite_switch"] == 18
    assert "refiner_switch" not in metadata
    filled = filled_from(refiner="refiner.safetensors", switch_step=18)
    assert filled.values["switch_step"] == 18
    filled = filled_from(refiner="refiner.safetensors", refiner_switch=0.6)
    assert (filled.values["switch_step"], filled.values["refiner_switch"]) == (OFF, 0.6)


def test_one_seed_for_all_and_wildcards_in_order_come_back():
    assert "read_wildcards_in_order" not in logged()
    filled = filled_from(same_seed=True, wildcards_in_order=True)
    assert filled.values["same_seed"] is True
    assert filled.values["wildcards_in_order"] is True
    entries = {"Fooocus": "True", "Fooocus same seed": "True", "Fooocus wildcards in order": "True"}
    for stated in (True, False):
        given = entries if stated else {"Fooocus": "True"}
        values = fill(from_infotext(given).as_chosen(), INSTALLED, STYLES).values
        assert (values["same_seed"], values["wildcards_in_order"]) == (stated, stated)


def test_a_lora_that_comes_with_a_picture_is_on():
    values = fill(PictureSettings(loras=(("film", 0.5),)), INSTALLED, STYLES).values
    assert (values["lora_1"], values["lora_on_1"], values["lora_2"]) == ("film", True, "None")


def test_what_a_fast_performance_forces_does_not_reach_the_widgets():
    filled = filled_from(performance="Lightning", refiner="refiner.safetensors", sampler="Euler a")
    forced = {"guidance_scale", "sharpness", "adaptive_cfg", "refiner", "sampler", "scheduler"}
    assert filled.values["performance"] == "Lightning"
    assert not forced & filled.values.keys()
    assert filled.notes == ()


def test_steps_of_the_performance_are_not_forced():
    assert filled_from().values["steps"] == OFF


def test_what_is_missing_is_said_and_left_alone():
    wanted = PictureSettings(
        prompt="p", base_model="gone", styles=("nope",), loras=(("lost", 1.0),)
    )
    filled = fill(wanted, INSTALLED, STYLES)
    assert "base_model" not in filled.values
    assert filled.values["lora_1"] == "None"
    assert [any(word in note for note in filled.notes) for word in ("gone", "nope", "lost")] == [
        True
    ] * 3


def test_a_size_outside_the_list_becomes_a_forced_one():
    filled = fill(PictureSettings(size=(512, 768)), INSTALLED, STYLES)
    assert (filled.values["width"], filled.values["height"]) == (512, 768)
    filled = fill(PictureSettings(size=(896, 1152)), INSTALLED, STYLES)
    assert filled.values["aspect_ratio"] == "896×1152 | 7:9"
    assert (filled.values["width"], filled.values["height"]) == (OFF, OFF)


def test_an_infotext_of_ours_fills_the_widgets():
    entries = {
        "Prompt": "a fox <lora:film:0.25>",
        "Negative prompt": "dog",
        "Steps": "30",
        "Sampler": "DPM++ 2M SDE",
        "Schedule type": "Karras",
        "CFG scale": "4.0",
        "Seed": "9007199254740993",
        "Size-1": "1152",
        "Size-2": "896",
        "Model": "base",
        "Fooocus": "True",
        "Fooocus performance": "Speed",
        "Fooocus sharpness": "3.5",
        "Fooocus styles": "Fooocus Sharp",
    }
    values = fill(from_infotext(entries).as_chosen(), INSTALLED, STYLES).values
    assert values["prompt"] == "a fox"
    assert (values["lora_1"], values["lora_weight_1"]) == ("film", 0.25)
    assert values["seed"] == "9007199254740993"
    assert json.loads(values["styles"]) == ["Fooocus V2", "Fooocus Sharp"]
    assert (values["performance"], values["steps"], values["sharpness"]) == ("Speed", OFF, 3.5)
    assert (values["sampler"], values["scheduler"]) == ("DPM++ 2M SDE", "Karras")


def test_an_infotext_with_a_preset_brings_what_the_preset_decided():
    content = {
        "default_styles": ["Fooocus Sharp"],
        "default_sample_sharpness": 5.0,
        "default_adm_end": 0.6,
        "default_refiner": "refiner.safetensors",
        "default_performance": "Quality",
        "default_loras": [[True, "film.safetensors", 0.25], [True, "detail.safetensors", 0.5]],
    }
    entries = {
        "Prompt": "a fox <lora:detail:0.75>",
        "Steps": "60",
        "Fooocus": "True",
        "Fooocus preset": "mine",
        "Fooocus ADM end": "0.1",
        "Fooocus keep": "refiner",
    }
    presets = {"mine": preset_from_json("mine", content)}
    filled = fill(from_infotext(entries, presets).as_chosen(), INSTALLED, STYLES)
    wanted = {
        "prompt": "a fox",
        "styles": '["Fooocus Sharp"]',
        "sharpness": 5.0,
        "adm_end": 0.1,
        "refiner": "None",
        "performance": "Quality",
        "steps": OFF,
        "lora_1": "film",
        "lora_weight_1": 0.25,
        "lora_2": "detail",
        "lora_weight_2": 0.75,
        "lora_3": "None",
    }
    assert {name: filled.values[name] for name in wanted} == wanted
    assert filled.notes == ()
    missing = fill(from_infotext(entries, {}).as_chosen(), INSTALLED, STYLES)
    assert 'preset "mine" does not exist here' in missing.notes[0]
    assert missing.values["sharpness"] == 2.0


def test_a_picture_made_without_fooocus_brings_no_styles_and_its_own_steps():
    entries = {"Prompt": "p", "Steps": "20", "Sampler": "Euler a", "Size-1": "512", "Size-2": "512"}
    values = fill(from_infotext(entries).as_chosen(), INSTALLED, STYLES).values
    assert (values["styles"], values["steps"], values["width"]) == ("[]", 20, 512)
    assert "sharpness" not in values


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"Sampler": "DPM++ 2M SDE Karras"}, ("DPM++ 2M SDE", "Karras")),
        (
            {"Sampler": "DPM++ 2M SDE Karras", "Schedule type": "Automatic"},
            ("DPM++ 2M SDE", "Karras"),
        ),
        ({"Sampler": "DPM++ 2M SDE", "Scheduler": "exponential"}, ("DPM++ 2M SDE", "Exponential")),
        ({"Sampler": "DPM++ 2M SDE", "Schedule type": "Karras"}, ("DPM++ 2M SDE", "Karras")),
        ({"Sampler": "Euler a"}, ("Euler a", "Automatic")),
    ],
)
def test_samplers_of_every_webui_reach_the_widgets(stated, expected):
    filled = fill(from_infotext({"Prompt": "p", **stated}).as_chosen(), INSTALLED, STYLES)
    assert (filled.values["sampler"], filled.values["scheduler"]) == expected
    assert filled.notes == ()


@pytest.mark.parametrize(
    ("sampler", "scheduler"), [("DDIM", "Automatic"), ("Euler a", "Beta"), ("Euler a", "Automatic")]
)
def test_a_schedule_that_fooocus_lacks_comes_back_from_our_log(sampler, scheduler):
    read = read_fooocus_settings(json.dumps(logged(sampler=sampler, scheduler=scheduler)), STYLES)
    here = replace(INSTALLED, schedulers=[*INSTALLED.schedulers, "Beta"])
    filled = fill(read.as_chosen(), here, STYLES)
    assert (filled.values["sampler"], filled.values["scheduler"]) == (sampler, scheduler)
    assert filled.notes == ()


def test_a_sampler_that_is_not_here_is_said():
    filled = fill(from_infotext({"Sampler": "DPM++ 3M SDE Karras"}).as_chosen(), INSTALLED, STYLES)
    assert "sampler" not in filled.values
    assert filled.notes == (
        (
            'This webui has no sampler "DPM++ 3M SDE Karras" (did you mean "DPM++ 2M SDE"?). '
            "The sampler stays as it is."
        ),
    )


def found(**values):
    nothing = {
        "checkpoint": None,
        "refiner": None,
        "vae": None,
        "loras": (),
        "problems": (),
        "notes": (),
    }
    return Resolution(**{**nothing, **values})


def test_a_preset_changes_what_it_names_and_nothing_else():
    preset = preset_from_json(
        "x", {"default_cfg_scale": 6, "default_styles": ["fooocus-sharp", "nope"]}
    )
    filled = fill(from_preset(preset, found()), INSTALLED, STYLES)
    assert filled.values == {"guidance_scale": 6.0, "styles": '["Fooocus Sharp"]'}
    assert "nope" in filled.notes[0]


def test_what_a_presets_file_asks_for_in_vain_is_said_where_it_is_chosen():
    content = {
        "default_model": "None",
        "default_aspect_ratio": "1150*890",
        "default_scheduler": "nonesuch",
        "default_performance": "Warp",
        "default_clip_skip": 2,
        "default_overwrite_switch": 18,
        "default_cfg_scale": 5,
    }
    preset = preset_from_json("mine", content)
    filled = fill(from_preset(preset, resolve(preset, ["a"], [])), INSTALLED, STYLES)
    wanted = {"width": 1152, "height": 888}
    assert filled.values == {"guidance_scale": 5.0, "switch_step": 18, "clip_skip": 2, **wanted}
    for word, note in zip(("1150*890", "nonesuch", "Warp", "1152×888"), filled.notes, strict=True):
        assert word in note


@pytest.mark.parametrize("name", ["initial", "default", "sai", "anime", "lightning", "pony_v6"])
def test_every_value_of_a_shipped_preset_is_one_that_the_widgets_accept(name):
    presets = load_presets([Path(__file__).resolve().parents[2] / "presets"]).presets
    located = resolve(presets[name], INSTALLED.checkpoints, INSTALLED.loras)
    filled = fill(from_preset(presets[name], located), INSTALLED, STYLES)
    assert choices(**filled.values)


def test_the_style_list_has_the_special_ones_first_and_shows_each_style_text():
    groups = grouped_styles(STYLES)
    assert groups[0][0] == "Special"
    assert groups[1][1][0] == {
        "name": "Fooocus Sharp",
        "help": "Writes: sharp (your prompt)\nAvoids: blur",
    }


def test_what_the_log_copies_is_what_fooocus_reads():
    """It looks files up by their whole names, and takes the switch as a share of other steps."""
    original = {"full_prompt": ["film still of a fox"], "styles": ["Fooocus V2", "Their Film"]}
    metadata = logged(
        refiner="sub/refiner.safetensors",
        refiner_switch=0.6,
        steps=20,
        lora_1="film",
        original_texts=json.dumps(original),
        styles='["Fooocus V2"]',
        rendering="Fooocus",
    )
    wanted = {
        "base_model": "base.safetensors",
        "refiner_model": "refiner.safetensors",
        "overwrite_switch": 12,
        "lora_combined_1": "film.safetensors : 1",
        "styles": "['Fooocus V2', 'Their Film']",
    }
    assert {name: metadata[name] for name in wanted} == wanted
    again = fill(read_fooocus_settings(json.dumps(metadata), STYLES), INSTALLED, STYLES)
    texts = json.loads(again.values["original_texts"])
    assert {name: texts[name] for name in original} == original
    assert (again.values["refiner_switch"], again.values["lora_1"]) == (0.6, "film")

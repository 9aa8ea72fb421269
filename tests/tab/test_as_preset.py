"""The page's settings saved as a preset, and filled in from it again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fooocus_ext.args import FOOOCUS, HOST_CHOICE
from fooocus_ext.metadata.preset import from_preset
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.files import load_presets, save_preset
from fooocus_ext.tab.as_preset import preset_of
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.fill import fill
from fooocus_ext.tab.on_page import on_page
from fooocus_ext.tab.widgets import DEFAULTS, NAMES, SIZE_LABELS
from tests.tab.names import INSTALLED, STYLES, accepted

SIZE = next(label for label, value in SIZE_LABELS.items() if value == "896*1152")
CHOSEN = {
    "prompt": "a fox",
    "negative_prompt": "dog",
    "styles": '["Fooocus V2", "O\'Brien, x"]',
    "performance": "Quality",
    "aspect_ratio": SIZE,
    "image_number": 5,
    "base_model": INSTALLED.checkpoints[0],
    "refiner": INSTALLED.checkpoints[1],
    "refiner_switch": 0.7,
    "lora_1": INSTALLED.loras[0],
    "lora_weight_1": 0.25,
    "guidance_scale": 5.5,
    "sharpness": 3.0,
    "adm_positive": 1.2,
    "adm_negative": 0.9,
    "adm_end": 0.4,
    "adaptive_cfg": 6.0,
    "refiner_method": "separate",
    "sampler": "Euler a",
    "scheduler": "Karras",
    "steps": 42,
    "clip_skip": 3,
}


def chosen(**values):
    return read_choices([{**DEFAULTS, **CHOSEN, **values}[name] for name in NAMES])


def filled_from(preset, tmp_path, installed=INSTALLED, rendering=FOOOCUS):
    """Return what a page with that rendering gets from a preset's file."""
    save_preset(tmp_path, preset.name, preset)
    loaded = load_presets([tmp_path]).presets[preset.name]
    found = installed.find(loaded)
    assert found.problems == ()
    taken = on_page(loaded, None, rendering)
    return fill(from_preset(taken, found), installed, STYLES, rendering)


@pytest.mark.parametrize("with_prompts", [True, False])
def test_what_was_saved_comes_back(tmp_path, with_prompts):
    preset, notes = preset_of("mine", chosen(), with_prompts=with_prompts)
    assert notes == []
    filled = filled_from(preset, tmp_path)
    assert filled.notes == ()
    expected = {
        name: value
        for name, value in CHOSEN.items()
        if with_prompts or name not in ("prompt", "negative_prompt")
    }
    got = {name: filled.values.get(name) for name in expected}
    got["styles"] = json.dumps(json.loads(got["styles"]))
    assert got == {**expected, "styles": json.dumps(json.loads(CHOSEN["styles"]))}
    assert not {"prompt", "negative_prompt"} & set(filled.values) or with_prompts


@pytest.mark.parametrize(
    ("sampler", "scheduler", "rendering"),
    [
        ("LCM", "Automatic", FOOOCUS),
        ("LCM", "SGM Uniform", FOOOCUS),
        ("LCM", "SGM Uniform", HOST_CHOICE),
        ("DDIM", "Karras", FOOOCUS),
    ],
)
def test_a_sampler_comes_back_as_the_rendering_reads_it(tmp_path, sampler, scheduler, rendering):
    installed = replace(
        INSTALLED, samplers=["LCM", "DDIM"], schedulers=["Automatic", "SGM Uniform", "Karras"]
    )
    values = {"sampler": sampler, "scheduler": scheduler, "rendering": rendering, "clip_skip": 2}
    preset, _notes = preset_of("mine", chosen(**values), with_prompts=False)
    filled = filled_from(preset, tmp_path, installed, rendering)
    assert (filled.values["sampler"], filled.values["scheduler"]) == (sampler, scheduler)


@pytest.mark.parametrize("step", [-1, 20])
def test_a_forced_refiner_switch_step_comes_back(tmp_path, step):
    preset, notes = preset_of("mine", chosen(switch_step=step), with_prompts=False)
    filled = filled_from(preset, tmp_path)
    assert (filled.values["switch_step"], notes) == (step, [])
    # Not as the share of the steps that the step comes to.
    share = CHOSEN["refiner_switch"] if step < 0 else DEFAULTS["refiner_switch"]
    assert filled.values["refiner_switch"] == share


@pytest.mark.parametrize(
    ("forced", "size"),
    [
        ({"width": 1000, "height": 1000}, (1000, 1000)),
        ({"width": 512}, (512, 1152)),
        ({"width": 1024, "height": 1024}, (1024, 1024)),  # one of the page's own
        ({}, None),
    ],
)
def test_a_forced_size_comes_back(tmp_path, forced, size):
    preset, notes = preset_of("mine", chosen(**forced), with_prompts=False)
    filled = filled_from(preset, tmp_path)
    assert (notes, filled.notes) == ([], ())
    loaded = accepted(filled)
    shown = ASPECT_RATIOS.get(loaded.settings.aspect_ratio)
    got = loaded.size or (shown.width, shown.height)
    assert got == (size or (896, 1152))


TWINS = replace(
    INSTALLED,
    checkpoints=[
        "sd/base.safetensors [0123456789]",
        "xl/Base.safetensors [0123456780]",
        "xl/base.ckpt [0123456781]",
        "xl/base.safetensors [0123456782]",
        "base.safetensors [0123456783]",
    ],
    loras=["Film", "film", "film [v2]"],
)
LORA_FILES = {"Film": "Film.pt", "film": "sub/film.safetensors", "film [v2]": "film [v2].ckpt"}


@pytest.mark.parametrize("separator", ["/", "\\"])
@pytest.mark.parametrize("title", TWINS.checkpoints)
def test_of_models_of_one_name_the_chosen_one_comes_back(tmp_path, separator, title):
    here = [each.replace("/", separator) for each in TWINS.checkpoints]
    there = title.replace("/", separator)
    other = here[here.index(there) - 1]
    preset, _notes = preset_of("mine", chosen(base_model=there, refiner=other), with_prompts=False)
    filled = filled_from(preset, tmp_path, replace(TWINS, checkpoints=here))
    assert (filled.values["base_model"], filled.values["refiner"]) == (there, other)


@pytest.mark.parametrize("lora", TWINS.loras)
def test_of_loras_of_one_name_the_chosen_one_comes_back(tmp_path, lora):
    here = {"lora_1": lora, "base_model": TWINS.checkpoints[0], "refiner": "None"}
    for number, files in enumerate((LORA_FILES, {})):
        preset, _notes = preset_of("mine", chosen(**here), with_prompts=False, lora_files=files)
        filled = filled_from(preset, tmp_path / str(number), TWINS)
        assert filled.values["lora_1"] == lora


def test_files_are_stored_as_fooocus_names_them():
    """With their folders below that of their kind, and ``/`` between them, which every system reads."""
    title = "sub\\x/base.safetensors [0123456789]"
    values = {"base_model": title, "refiner": title, "lora_1": "film"}
    preset, _notes = preset_of("mine", chosen(**values), with_prompts=False, lora_files=LORA_FILES)
    file = "sub/x/base.safetensors"
    assert (preset.base_model, preset.refiner) == (file, file)
    assert [slot.name for slot in preset.loras] == ["sub/film.safetensors"]


def test_what_a_preset_cannot_say_is_told():
    values = {"sampler": "Restart", "scheduler": "Automatic"}
    preset, (note,) = preset_of("mine", chosen(**values), with_prompts=False)
    assert preset.sampler is None
    assert "Restart Automatic is not stored" in note


def test_what_a_preset_has_no_key_for_is_told_where_it_is_not_as_usual():
    flags = dict.fromkeys(("same_seed", "wildcards_in_order", "image_grid"), True)
    values = {**flags, "rendering": "webui", "metadata": "Fooocus"}
    _preset, (note,) = preset_of("mine", chosen(**values), with_prompts=False)
    assert note == (
        'Not stored, because presets know no such settings: Same seed, Rendering "webui", Settings in '
        'the files of pictures "Fooocus", Wildcards in order, Image grid.'
    )


def test_a_sampler_of_a_webui_without_schedule_types_is_stored():
    preset, notes = preset_of("mine", chosen(sampler="Euler a", scheduler=""), with_prompts=False)
    assert (preset.sampler, preset.scheduler) == ("euler_ancestral", "normal")
    assert notes == []

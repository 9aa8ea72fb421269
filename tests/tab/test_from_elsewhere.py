"""Settings from elsewhere: what this machine or the tab lacks is changed or left out, and always said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext import infotext
from fooocus_ext.data_files import MAX_PROBLEMS_PER_FILE, Problem
from fooocus_ext.limits import MAX_ITEMS, MAX_NOTES, OFF
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.infotext import from_infotext
from fooocus_ext.metadata.preset import from_preset
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.presets import file_names
from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.presets.resolve import resolve
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.tab.fill import fill
from tests.tab.names import INSTALLED, STYLES, accepted


@pytest.mark.parametrize(
    ("stated", "expected", "words"),
    [
        ({"size": (1344, 756)}, {"width": 1344, "height": 760}, ["1344×756", "1344×760"]),
        ({"size": (1153, 895)}, {"width": OFF, "height": OFF}, ["1153×895", "1152×896"]),
        ({"size": (9000, 10)}, {"width": 4096, "height": 64}, ["4096×64", "multiples of 8"]),
        ({"steps": 500}, {"steps": 200}, ["steps 500", "200"]),
        ({"steps": 0}, {"steps": 1}, ["steps 0"]),
        ({"guidance_scale": 40.0}, {"guidance_scale": 30.0}, ["Guidance scale 40", "30"]),
        ({"sharpness": 99.0}, {"sharpness": 30.0}, ["Sharpness 99", "30"]),
        ({"refiner_switch": 0.05}, {"refiner_switch": 0.1}, ["Refiner switch at 0.05", "0.1"]),
        ({"image_number": 500}, {"image_number": 32}, ["Image number 500", "32"]),
        ({"loras": (("film", 50.0),)}, {"lora_weight_1": 10.0}, ['LoRA "film", 50', "10"]),
        ({"seed": 2**64 - 1}, {}, ["Seed 18446744073709551615 is left out"]),
        ({"prompt": "a" * 20_001}, {}, ["The prompt is left out"]),
        ({"negative_prompt": "a\0"}, {}, ["The negative prompt is left out"]),
    ],
)
def test_what_generate_would_refuse_is_changed_or_left_out_with_a_note(stated, expected, words):
    filled = fill(PictureSettings(**stated), INSTALLED, STYLES)
    assert {name: filled.values[name] for name in expected} == expected
    assert expected or not filled.values
    (note,) = filled.notes
    assert [word for word in words if word not in note] == []
    assert accepted(filled)


@pytest.mark.parametrize("weight", [5.0, -10.0])
def test_a_lora_weight_beyond_its_slider_is_used(weight):
    filled = fill(PictureSettings(loras=(("film", weight),)), INSTALLED, STYLES)
    assert filled.notes == ()
    assert accepted(filled).loras == (("film", weight),)


@pytest.mark.parametrize(
    ("key", "value"), [("Seed", "-1"), ("Steps", "many"), ("Steps", "-5"), ("CFG scale", "nan")]
)
def test_a_number_of_an_infotext_that_is_none_is_said(key, value):
    filled = fill(from_infotext({"Prompt": "p", key: value}), INSTALLED, STYLES)
    assert filled.notes == (f'{key} is left out: "{value}" cannot be used.',)
    assert accepted(filled)


def test_one_weight_out_of_range_does_not_cost_the_other_loras():
    content = {"version": "Fooocus v2", "loras": [["film", 50, "0"], ["detail", 0.5, "0"]]}
    filled = fill(read_fooocus_settings(content), INSTALLED, STYLES)
    assert (filled.values["lora_1"], filled.values["lora_weight_1"]) == ("film", 10.0)
    assert (filled.values["lora_2"], filled.values["lora_weight_2"]) == ("detail", 0.5)


@given(
    st.builds(
        PictureSettings,
        prompt=st.text(),
        steps=st.none() | st.integers(0, 1000),
        size=st.none() | st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
        guidance_scale=st.none() | st.floats(0, 1000),
        sharpness=st.none() | st.floats(0, 1000),
        refiner_switch=st.none() | st.floats(0, 1),
        refiner_method=st.none() | st.sampled_from(["vae", "joint"]),
        seed=st.none() | st.integers(0, 2**64 - 1),
        loras=st.none()
        | st.tuples(st.tuples(st.sampled_from(["film", "gone"]), st.floats(-1000, 1000))),
        performance=st.none() | st.sampled_from(["Speed", "Warp"]),
    )
)
def test_whatever_is_filled_in_is_accepted_at_generate(settings):
    assert accepted(fill(settings, INSTALLED, STYLES))


RUINED = {
    "Prompt": "a cat, oil painting",
    "Negative": "blurry",
    "steps": 24,
    "cfg": 6.5,
    "width": 1152,
    "height": 896,
    "seed": 77,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "base_model_name": "folder/base.safetensors",
    "base_model_hash": "0123456789",
    "loras": [["ab" * 32, "0.5 - film.safetensors"], ["", "-1.25 - detail - two.safetensors"]],
    "start_step": 0,
    "denoise": 0.75,
    "clip_skip": 1,
    "software": "RuinedFooocus",
}


@pytest.mark.parametrize("keys", [str, str.lower])
@pytest.mark.parametrize("named", [True, False])
def test_what_ruined_fooocus_stores_fills_the_widgets(keys, named):
    content = {keys(key): value for key, value in RUINED.items() if named or key != "software"}
    here = replace(INSTALLED, loras=["film", "detail - two"])
    filled = fill(read_fooocus_settings(json.dumps(content)).as_chosen(), here, STYLES)
    wanted = {
        "prompt": "a cat, oil painting",
        "negative_prompt": "blurry",
        "styles": "[]",
        "steps": 24,
        "guidance_scale": 6.5,
        "aspect_ratio": "1152×896 | 9:7",
        "seed": "77",
        "sampler": "DPM++ 2M SDE",
        "scheduler": "Karras",
        "base_model": "sub/base.safetensors [0123456789]",
        "lora_1": "film",
        "lora_weight_1": 0.5,
        "lora_2": "detail - two",
        "lora_weight_2": -1.25,
        "clip_skip": 2,  # the fork's 1 takes the layer that the model is trained with
    }
    assert {name: filled.values[name] for name in wanted} == wanted
    assert filled.notes == ("denoise 0.75 is not taken over: the tab has no such setting.",)
    assert accepted(filled)


def test_every_value_that_is_not_taken_over_is_named():
    content = {
        "version": "Fooocus v2.5.5",
        "prompt": "a cat",
        "full_prompt": ["a cat, luminous"],
        "prompt_expansion": "a cat, luminous",
        "performance": "Warp",
        "clip_skip": 2,
        "freeu": "(1.01, 1.02, 0.99, 0.95)",
        "overwrite_switch": 12,
        "refiner_swap_method": "vae",
        "base_model_hash": "aeb7e9e689",
        "inpaint_engine_version": "v2.6",
        "enhance_prompts": ["eyes", "hands"],
        "created_by": "someone",
    }
    filled = fill(read_fooocus_settings(content).as_chosen(), INSTALLED, STYLES)
    named = [note.split(" is not taken over")[0] for note in filled.notes]
    assert named == [
        'Performance "Warp"',
        "FreeU (1.01, 1.02, 0.99, 0.95)",
        'Prompt expansion "a cat, luminous"',
        "inpaint_engine_version v2.6",
        "enhance_prompts ['eyes', 'hands']",
    ]


def test_fooocus_refiner_switch_step_becomes_the_forced_one():
    content = {"version": "Fooocus v2.5.5", "refiner_switch": 0.5, "overwrite_switch": 12}
    values = fill(read_fooocus_settings(content).as_chosen(), INSTALLED, STYLES).values
    assert (values["refiner_switch"], values["switch_step"]) == (0.5, 12)
    content.update(steps=20, refiner_model="refiner.safetensors")
    values = fill(read_fooocus_settings(content).as_chosen(), INSTALLED, STYLES).values
    assert (values["refiner_switch"], values["switch_step"]) == (0.6, OFF)


def test_a_switch_step_that_is_too_early_here_becomes_the_first_that_is_not():
    content = {
        "version": "Fooocus v2.5.5",
        "performance": "Speed",
        "steps": 30,
        "refiner_model": "refiner.safetensors",
        "refiner_switch": 0.5,
        "overwrite_switch": 2,
    }
    filled = fill(read_fooocus_settings(content), INSTALLED, STYLES)
    assert filled.values["switch_step"] == 4
    assert filled.notes == ("The refiner switch step 2 becomes 4: it may be 4 to 200.",)
    assert accepted(filled).switch_step == 4
    of_none = fill(read_fooocus_settings({**content, "refiner_model": "None"}), INSTALLED, STYLES)
    assert (of_none.values["switch_step"], of_none.notes) == (2, ())


@pytest.mark.parametrize(
    "source",
    [
        {"version": "Fooocus v2.5.5", "performance": "Quality", "seed": 1},
        "a cat\nPerformance: Quality, Seed: 1, Size: 896x1152, Version: Fooocus v2.5.5",
    ],
)
def test_a_picture_of_fooocus_without_loras_and_steps_takes_those_of_the_page_away(source):
    values = fill(read_fooocus_settings(source), INSTALLED, STYLES).values
    assert (values["lora_1"], values["lora_5"], values["steps"]) == ("None", "None", OFF)
    # Only the text leaves the line of the refiner out.
    assert values.get("refiner") == ("None" if isinstance(source, str) else None)


def test_a_lora_that_was_off_stays_off():
    content = {
        "version": "Fooocus v2.5.5",
        "lora_combined_1": "False : film : 0.5",
        "lora_combined_2": "True : detail : 0.25",
        "loras": [["film", 0.5, "0"]],
    }
    assert read_fooocus_settings(content).loras == (("detail", 0.25),)
    del content["lora_combined_2"]
    assert read_fooocus_settings(content).loras == ()


def test_what_is_switched_off_is_not_worth_a_word():
    content = {"version": "Fooocus v2", "overwrite_switch": -1, "prompt_expansion": "", "x": None}
    assert fill(read_fooocus_settings(content), INSTALLED, STYLES).notes == ()


def test_what_fooocus_stores_as_text_is_named_too():
    text = (
        "a cat\nSteps: 30, Seed: 1, Size: 896x1152, Clip skip: 3, Model hash: aeb7e9e689, "
        "Tiling: yes, Version: Fooocus v2.5.5"
    )
    filled = fill(read_fooocus_settings(text), INSTALLED, STYLES)
    in_use, *notes = filled.notes
    assert in_use.startswith("The texts of the original picture are used")
    assert [note.split(" is not")[0] for note in notes] == ["Tiling yes"]
    assert filled.values["clip_skip"] == 3


def test_what_an_infotext_asks_for_and_the_tab_cannot_do_is_named():
    entries = {
        "Prompt": "p",
        "Steps": "20",
        "Clip skip": "2",
        "Denoising strength": "0.5",
        "Hires upscale": "2",
        "Hires prompt": "",
        "Hires sampler": "Use same sampler",
        "RNG": "GPU",
        "FreeU Stages": "[1]",
        "Version": "v1.10.1",
        "Refiner": "refiner [0123456789]",
        "Refiner switch at": "0.6",
    }
    filled = fill(from_infotext(entries).as_chosen(), INSTALLED, STYLES)
    assert [note.split(" is not")[0] for note in filled.notes] == [
        "Clip skip 2",
        "Denoising strength 0.5",
        "Hires upscale 2",
        "FreeU Stages [1]",
    ]
    assert filled.values["refiner"] == "refiner.safetensors"
    assert filled.values["refiner_switch"] == 0.6
    plain = fill(from_infotext({**entries, "Clip skip": "1"}), INSTALLED, STYLES)
    assert "Clip skip" not in "".join(plain.notes)


def test_many_values_that_are_not_taken_over_stay_readable():
    content = {"version": "Fooocus v2", **{f"key {number}": number for number in range(1, 401)}}
    notes = fill(read_fooocus_settings(content), INSTALLED, STYLES).notes
    assert len(notes) == 13
    assert notes[-1].startswith("Nor are 388 more: key 13, ")
    assert len(" ".join(notes)) < 2000


@pytest.mark.parametrize(
    "loras", ["x", [1], [["hash"]], [["hash", "film"]], [["h", ["0.5 - film"]]]]
)
def test_loras_of_ruined_fooocus_that_cannot_be_read_are_said(loras):
    filled = fill(read_fooocus_settings({**RUINED, "loras": loras}), INSTALLED, STYLES)
    assert "loras could not be read and is left out" in filled.notes[0]


COMFY = "(embedding:bad-hands.pt:1.1), embedding:folder/soft, embedding: no"
BARE = "(bad-hands:1.1), soft, embedding: no"


@pytest.mark.parametrize(
    "source",
    [
        {"version": "Fooocus v2.5.5", "prompt": COMFY, "negative_prompt": COMFY},
        {**RUINED, "Prompt": COMFY, "Negative": COMFY},
        f"{COMFY}\nNegative prompt: {COMFY}\nSteps: 30, Seed: 1, Size: 8x8, Version: Fooocus v2.5.5",
    ],
)
def test_embeddings_of_fooocus_get_the_webuis_bare_names(source):
    found = read_fooocus_settings(source)
    assert (found.prompt, found.negative_prompt) == (BARE, BARE)


def test_embeddings_in_infotexts_and_presets_get_them_too_and_what_was_typed_here_stays():
    entries = {"Prompt": COMFY, "Negative prompt": COMFY}
    found = from_infotext(entries)
    assert (found.prompt, found.negative_prompt) == (BARE, BARE)
    assert from_infotext({**entries, "Fooocus": "True"}).prompt == COMFY
    ours = PictureSettings(prompt=COMFY, version="sd-webui-fooocus 1.0").to_json()
    assert read_fooocus_settings({**ours, "seed": 1, "steps": 2}).prompt == COMFY
    preset = preset_from_json("mine", {"default_prompt": COMFY, "default_prompt_negative": COMFY})
    found = from_preset(preset, resolve(preset, [], []))
    assert (found.prompt, found.negative_prompt) == (BARE, BARE)


SHIPPED_STYLES = load_styles([Path(__file__).resolve().parents[2] / "styles"])


def test_styles_that_circulate_become_our_nearest_with_a_note():
    content = {
        "version": "Fooocus v2",
        "styles": "['Fooocus V2', 'SAI Photographic', 'sai-analog film', 'Xyzzy', 'Fooocus Sharp']",
    }
    filled = fill(read_fooocus_settings(content), INSTALLED, SHIPPED_STYLES)
    assert json.loads(filled.values["styles"]) == [
        "Fooocus V2",
        "photo-analog-35mm",
        "Fooocus Sharp",
    ]
    assert filled.notes == (
        "Style SAI Photographic is not installed; photo-analog-35mm is the nearest.",
        "Style sai-analog film is not installed; photo-analog-35mm is the nearest.",
        "Style Xyzzy is not installed, and no style comes near it.",
    )


def test_a_style_that_may_be_in_an_unreadable_file_is_said_with_the_file():
    problems = [Problem("/x/styles.json", "", "it is not JSON")]
    styles = StyleLibrary([], problems)
    assert fill(PictureSettings(styles=("mine", "other")), INSTALLED, styles).notes == (
        "Style mine is not installed, and no style comes near it.",
        "/x/styles.json could not be read: it is not JSON.",
        "Style other is not installed, and no style comes near it.",
    )


def test_an_installed_style_of_that_name_is_itself():
    styles = StyleLibrary([*SHIPPED_STYLES.styles, Style("sai-photographic", "p", "")])
    filled = fill(PictureSettings(styles=("SAI Photographic",)), INSTALLED, styles)
    assert json.loads(filled.values["styles"]) == ["sai-photographic"]
    assert filled.notes == ()


FOX = {
    "prompt": "a fox",
    "negative_prompt": "",
    "styles": "['Fooocus V2', 'Their Film']",
    "full_prompt": ["film still of a fox", "a fox, golden light"],
    "full_negative_prompt": ["cartoon"],
    "prompt_expansion": "a fox, golden light",
    "clip_skip": 2,
    "version": "Fooocus v2.5.5",
}


def test_a_picture_of_fooocus_brings_its_texts_and_says_so():
    filled = fill(read_fooocus_settings(FOX), INSTALLED, STYLES)
    assert filled.notes[0].startswith("The texts of the original picture are used")
    assert not [note for note in filled.notes if "written anew" in note]
    assert filled.values["rendering"] == "Fooocus"
    chosen = accepted(filled)
    assert chosen.settings.original_texts.full_prompt == (
        "film still of a fox",
        "a fox, golden light",
    )
    assert chosen.settings.original_texts.styles == ("Fooocus V2", "Their Film")
    assert chosen.image_number == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"prompt": "a fix"},
        {"negative_prompt": "blurry"},
        {"styles": "[]"},
        {"styles": '["Fooocus V2", "Fooocus Sharp"]'},
    ],
)
def test_its_texts_go_when_what_they_came_from_is_edited_and_come_back(edit):
    filled = fill(read_fooocus_settings(FOX), INSTALLED, STYLES)
    assert (
        accepted(replace(filled, values={**filled.values, **edit})).settings.original_texts is None
    )
    assert accepted(filled).settings.original_texts is not None


def test_any_other_settings_stay_free():
    filled = fill(read_fooocus_settings(FOX), INSTALLED, STYLES)
    changed = {
        **filled.values,
        "seed": "5",
        "guidance_scale": 9,
        "image_number": 4,
        "rendering": "webui",
    }
    assert accepted(replace(filled, values=changed)).settings.original_texts is not None


def test_the_next_picture_takes_them_away():
    values = fill(from_infotext({"Prompt": "p", "Steps": "20"}), INSTALLED, STYLES).values
    assert values["original_texts"] == ""
    assert values["rendering"] == "webui"


def test_texts_that_are_unusable_leave_the_rest_in_place():
    filled = fill(read_fooocus_settings({**FOX, "full_prompt": [{}]}), INSTALLED, STYLES)
    assert [note for note in filled.notes if "full_prompt could not be read" in note]
    assert accepted(filled).settings.original_texts is None
    assert accepted(filled).prompt == "a fox"


def test_an_infotext_of_a_remade_picture_brings_them_along():
    first = accepted(fill(read_fooocus_settings(FOX), INSTALLED, STYLES)).settings
    entries = {"Prompt": "a fox", **infotext.settings_entries(first), "Negative prompt": ""}
    again = accepted(fill(from_infotext(entries), INSTALLED, STYLES)).settings
    assert again.original_texts == first.original_texts


def test_hundreds_of_loras_are_looked_up_in_one_list_and_reported_in_few_sentences(monkeypatch):
    stemmed = []
    monkeypatch.setattr(
        file_names, "file_stem", lambda name: stemmed.append(name) or name.casefold()
    )
    here = replace(INSTALLED, loras=[f"l{number}" for number in range(300)])
    wanted = tuple((f"gone{number}", 1.0) for number in range(300))
    filled = fill(PictureSettings(loras=(*wanted, ("L7", 50.0), *wanted)), here, STYLES)
    assert len(stemmed) <= 300 + 601
    assert (filled.values["lora_1"], filled.values["lora_weight_1"]) == ("l7", 10.0)
    missing = [note for note in filled.notes if "is not installed" in note]
    assert len(missing) == MAX_NOTES
    assert "And 280 more." in filled.notes


def test_of_thousands_of_tags_the_first_are_read_and_that_is_said():
    found = from_infotext({"Prompt": "a cat" + "<lora:a:1>" * (MAX_ITEMS + 2)})
    assert found.prompt == "a cat"
    assert len(found.loras) == MAX_ITEMS
    assert found.problems == (
        f"Of {MAX_ITEMS + 2} LoRAs in the prompt, the first {MAX_ITEMS} are read.",
    )


def test_sentences_about_hundreds_of_styles_are_few():
    names = tuple(f"q{number} zz" for number in range(MAX_ITEMS))
    filled = fill(PictureSettings(styles=names), INSTALLED, STYLES)
    assert len(filled.notes) == MAX_NOTES + 1
    assert filled.notes[-1] == f"And {MAX_ITEMS - MAX_NOTES} more."


def test_sentences_about_hundreds_of_a_preset_s_keys_and_loras_are_few():
    loras = [[True, f"gone{number}", 1.0] for number in range(MAX_ITEMS)]
    unknown = {f"k{number}": 0 for number in range(1000)}
    preset = preset_from_json("many", {**unknown, "default_loras": loras})
    filled = fill(from_preset(preset, INSTALLED.find(preset)), INSTALLED, STYLES)
    assert len(filled.notes) == MAX_PROBLEMS_PER_FILE + 1 + MAX_NOTES + 1

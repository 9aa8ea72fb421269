"""Preset files: ours, Fooocus's format, broken ones, and saving."""

from __future__ import annotations

import json
import os
import threading
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fooocus_ext.args import Settings
from fooocus_ext.data_files import MAX_PROBLEMS_PER_FILE
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.files import load_presets, read_preset, save_preset
from fooocus_ext.presets.preset import (
    KEYS,
    LoraSlot,
    Preset,
    preset_from_json,
    preset_from_settings,
)
from fooocus_ext.presets.samplers import host_sampler
from fooocus_ext.prompting.style_files import load_styles

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = load_presets([ROOT / "presets"])
# The format that Fooocus 2.5 publishes, with every key of its list in section 6.6 of the reference.
FOOOCUS = {
    "default_model": "base.safetensors",
    "default_refiner": "None",
    "default_refiner_switch": 0.5,
    "default_loras": [[True, "style.safetensors", 0.1], [True, "None", 1.0], [False, "off.pt", -2]],
    "default_cfg_scale": 4.0,
    "default_sample_sharpness": 2.0,
    "default_sampler": "dpmpp_2m_sde_gpu",
    "default_scheduler": "karras",
    "default_performance": "Speed",
    "default_prompt": "",
    "default_prompt_negative": "fog",
    "default_styles": ["Fooocus V2", "Fooocus Sharp"],
    "default_aspect_ratio": "1152*896",
    "default_overwrite_step": -1,
    "checkpoint_downloads": {"base.safetensors": "https://example.org/base"},
    "embeddings_downloads": {},
    "lora_downloads": {},
    "vae_downloads": {},
    "previous_default_models": ["base_v1.safetensors"],
    "default_vae": "Default (model)",
    "default_inpaint_engine_version": "None",
}


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_fooocus_format_loads_unchanged_and_is_written_back_unchanged(tmp_path):
    library = load_presets([write(tmp_path, "published", FOOOCUS)])
    preset = library.get("published")
    assert not library.problems
    assert preset.base_model == "base.safetensors"
    assert preset.active_loras == (LoraSlot(True, "style.safetensors", 0.1),)
    assert preset.to_json() == FOOOCUS


def test_settings_hold_what_the_preset_determines(tmp_path):
    assert preset_from_json("x", FOOOCUS).settings == {
        "refiner": "None",
        "refiner_switch": 0.5,
        "sharpness": 2.0,
        "performance": "Speed",
        "aspect_ratio": "1152*896",
        "styles": ("Fooocus V2", "Fooocus Sharp"),
        "expansion": True,
    }
    assert preset_from_json("x", {"default_styles": ["Fooocus Pony"]}).settings == {
        "styles": ("Fooocus Pony",),
        "expansion": False,
    }
    Settings().replace(**preset_from_json("x", FOOOCUS).settings)


def test_the_presets_we_ship_are_complete_and_mean_what_fooocus_means():
    assert not SHIPPED.problems
    names = "initial default realistic anime lcm lightning sai pony_v6"
    assert set(names.split(" ")) <= set(SHIPPED.names)
    styles = load_styles([ROOT / "styles"])
    for preset in SHIPPED.presets.values():
        styles.check(preset.styles)
        Settings().replace(**preset.settings)
        assert preset.sharpness == 2.0
        missing = {slot.name for slot in preset.active_loras} - set(preset.lora_downloads or {})
        assert not missing
        if preset.base_model:
            assert preset.base_model in preset.checkpoint_downloads


@pytest.mark.parametrize(
    ("name", "model", "switch", "loras", "cfg", "sampler", "performance", "size"),
    [
        ("default", "juggernautXL_v8Rundiffusion", 0.5, [0.1], 4, "dpmpp_2m_sde_gpu", "Speed", "1152*896"),
        ("realistic", "realisticStockPhoto_v20", 0.5, [0.25], 3, "dpmpp_2m_sde_gpu", "Speed", "896*1152"),
        ("anime", "animaPencilXL_v500", 0.5, [], 6, "dpmpp_2m_sde_gpu", "Speed", "896*1152"),
        ("lcm", "juggernautXL_v8Rundiffusion", 0.5, [], 4, "dpmpp_2m_sde_gpu", "Extreme Speed", "1152*896"),
        ("lightning", "juggernautXL_v8Rundiffusion", 0.5, [], 4, "dpmpp_2m_sde_gpu", "Lightning", "1152*896"),
        ("sai", "sd_xl_base_1.0_0.9vae", 0.75, [0.5], 7, "dpmpp_2m_sde_gpu", "Speed", "1152*896"),
        ("pony_v6", "ponyDiffusionV6XL", 0.5, [], 7, "dpmpp_2m_sde_gpu", "Speed", "896*1152"),
    ],
)  # fmt: skip
def test_the_numbers_of_section_6_6(name, model, switch, loras, cfg, sampler, performance, size):
    preset = SHIPPED.get(name)
    assert preset.base_model == f"{model}.safetensors"
    assert preset.refiner_switch == switch
    assert [slot.weight for slot in preset.active_loras] == loras
    assert (preset.cfg_scale, preset.sampler) == (cfg, sampler)
    assert (preset.performance, preset.aspect_ratio) == (performance, size)


def test_the_initial_preset_leaves_the_checkpoint_alone():
    assert SHIPPED.get("initial").base_model is None


def test_every_preset_that_we_ship_can_be_sampled_by_a_webui():
    for preset in SHIPPED.presets.values():
        assert host_sampler(
            preset.sampler, preset.scheduler, ["DPM++ 2M SDE", "Euler a"], ["Karras"]
        )


def test_an_empty_refiner_is_none():
    assert preset_from_json("x", {"default_refiner": ""}).settings == {"refiner": "None"}


def test_what_a_file_asks_for_in_vain_is_a_complaint_of_the_preset():
    content = {
        "default_aspect_ratio": "1150*890",
        "default_scheduler": "nonesuch",
        "default_performance": "Warp",
    }
    size, scheduler, performance = preset_from_json(
        "mine", content, Path("/x/mine.json")
    ).complaints
    assert size.startswith('Preset "mine", default_aspect_ratio: ')
    assert "1150*890" in size
    assert "nonesuch" in scheduler
    assert "Warp" in performance
    assert "/x/" not in size


def test_none_is_no_preset_and_unknown_names_are_refused():
    assert SHIPPED.get("None") is None
    with pytest.raises(RequestError, match=r'"realist".*"realistic"'):
        SHIPPED.get("realist")


def test_unknown_keys_are_kept_and_reported(tmp_path):
    library = load_presets([write(tmp_path, "x", {**FOOOCUS, "my_key": {"a": [1]}})])
    assert [(p.entry, "no effect" in p.reason) for p in library.problems] == [("my_key", True)]
    assert library.get("x").to_json()["my_key"] == {"a": [1]}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("default_cfg_scale", "4", "number from 1 to 30"),
        ("default_cfg_scale", True, "number from 1 to 30"),
        ("default_cfg_scale", 31, "number from 1 to 30"),
        ("default_refiner_switch", 0.0, "number from 0.1 to 1"),
        ("default_sample_sharpness", 10**30, "number from 0 to 30"),
        ("default_model", ["a"], "text of at most"),
        ("default_model", "m" * 301, "text of at most"),
        ("default_loras", {"a": 1}, "list of up to 500 [enabled"),
        ("default_loras", [["x"]], "[enabled, name, weight]"),
        ("default_loras", [[1, "x", 1.0]], "true or false"),
        ("default_loras", [[True, "x", 99]], "number from -10 to 10"),
        ("default_sampler", "Euler", "one of euler"),
        ("default_scheduler", None, None),
        ("default_performance", "Ludicrous", 'no mode "Ludicrous"'),
        ("default_performance", "webui", "mode of Fooocus"),
        ("default_styles", "Fooocus V2", "list of up to 500 names"),
        ("default_styles", [1], "text of at most"),
        ("default_aspect_ratio", "800*600", "nearest"),
        ("default_overwrite_step", 2.5, "whole number"),
        ("default_clip_skip", 13, "number from 1 to 12"),
        ("checkpoint_downloads", ["x"], "object of up to 500 file names"),
        ("default_prompt", 1, "text of at most"),
    ],
)
def test_a_bad_value_is_left_out_and_reported_with_key_and_value(tmp_path, key, value, reason):
    library = load_presets([write(tmp_path, "x", {**FOOOCUS, key: value})])
    preset = library.get("x")
    attribute = next(name for name, json_key in KEYS.items() if json_key == key)
    assert getattr(preset, attribute) is None
    assert preset.base_model or key == "default_model"
    if reason is None:
        assert not library.problems
    else:
        assert [problem.entry for problem in library.problems] == [key]
        assert reason in library.problems[0].reason
        assert "Got " in library.problems[0].reason


def test_a_file_of_thousands_of_unknown_keys_is_reported_briefly(tmp_path):
    keys = {f"k{number}": 0 for number in range(80_000)}
    library = load_presets([write(tmp_path, "many", keys)])
    assert len(library.problems) == MAX_PROBLEMS_PER_FILE + 1
    complaints = library.get("many").complaints
    assert complaints[-1] == 'Preset "many", the rest: 79980 more entries cannot be used'
    assert len(complaints) == len(library.problems)


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"default_cfg_scale": NaN}', "[" * 99_999])
def test_a_broken_file_is_reported_and_the_others_load(tmp_path, content):
    write(tmp_path, "broken", content)
    write(tmp_path, "sound", FOOOCUS)
    library = load_presets([tmp_path])
    assert library.names == ["sound"]
    assert len(library.problems) == 1
    assert "broken.json" in library.problems[0].file


def test_a_file_that_is_called_none_is_reported_because_that_means_no_preset(tmp_path):
    write(tmp_path, "None", "{}")
    write(tmp_path, "mine", "{}")
    library = load_presets([tmp_path])
    assert library.names == ["mine"]
    (problem,) = map(str, library.problems)
    assert problem.endswith('None.json: "None" means no preset; give the file another name')


def test_a_file_whose_name_is_not_utf_8_is_reported_in_words_that_can_be_sent(tmp_path):
    write(tmp_path, os.fsdecode(b"caf\xe9"), "{}")
    library = load_presets([tmp_path])
    assert library.names == []
    (problem,) = map(str, library.problems)
    assert problem.encode()
    assert problem.endswith("caf\\udce9.json: its name is not UTF-8")


def test_a_later_folder_replaces_a_preset(tmp_path):
    write(tmp_path / "ours", "a", FOOOCUS)
    write(tmp_path / "ours", "b", FOOOCUS)
    write(tmp_path / "users", "a", {"default_cfg_scale": 9})
    library = load_presets([tmp_path / "ours", tmp_path / "users", tmp_path / "absent"])
    assert library.names == ["a", "b"]
    assert library.get("a").cfg_scale == 9.0


def test_what_is_saved_loads_again(tmp_path):
    current = Settings(
        sharpness=5.0,
        adm_end=0.7,
        refiner_method="separate",
        styles=("Fooocus Sharp",),
        performance="Quality",
        expansion=True,
    )
    preset = preset_from_settings(
        "ignored",
        current,
        base_model="XL/x.safetensors",
        cfg_scale=3.5,
        loras=(LoraSlot(True, "l", 0.5),),
    )
    path = save_preset(tmp_path / "new" / "folder", " My preset (2) ", preset)
    assert path.name == "My preset (2).json"
    loaded = load_presets([tmp_path]).get("My preset (2)")
    assert not loaded.problems
    assert loaded.base_model == "XL/x.safetensors"
    assert loaded.loras == (LoraSlot(True, "l", 0.5),)
    restored = Settings().replace(**loaded.settings)
    assert restored.as_dict() == {**current.as_dict(), "styles": ["Fooocus V2", "Fooocus Sharp"]}
    assert "default_aspect_ratio" not in json.loads(path.read_text("utf-8"))
    assert [entry.name for entry in path.parent.iterdir()] == ["My preset (2).json"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        ".hidden",
        "../up",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:evil",
        "nul",
        "COM1.x",
        "COM\xb9",
        "lpt\xb3.x",
        "con .x",
        "None .x",
        "\u0301a",
        "None",
        "none",
        "ends.",
        "a\nb",
        "a\0b",
        "x" * 65,
        "<script>",
        "a*b",
        "\ud800",
    ],
)
def test_names_that_are_paths_or_trouble_are_refused(tmp_path, name):
    folder = tmp_path / "presets"
    with pytest.raises(RequestError, match="cannot be the name of a preset"):
        save_preset(folder, name, Preset("x"))
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=settings.default.max_examples * 3 // 2,
)
@given(name=st.text(max_size=70))
def test_any_name_is_refused_or_stays_in_the_folder(tmp_path, name):
    folder = tmp_path / "presets"
    try:
        path = save_preset(folder, name, Preset("x"), overwrite=True)
    except RequestError:
        return
    assert path.parent == folder
    assert path.resolve().parent == folder.resolve()
    assert read_preset(path).name == unicodedata.normalize("NFC", name.strip())


@pytest.mark.parametrize("name", ["हिन्दी", "ไทยดี", "தமிழ்", "עִבְרִית", "Tiếng Việt", "コム1"])
def test_words_of_any_script_are_names(tmp_path, name):
    path = save_preset(tmp_path, name, Preset("x"))
    assert path.stem == name
    assert load_presets([tmp_path]).names == [name]


def test_an_accent_is_a_part_of_its_letter_however_it_is_typed(tmp_path):
    assert save_preset(tmp_path, "a\u0301", Preset("x")).stem == "\xe1"
    with pytest.raises(RequestError, match="already"):
        save_preset(tmp_path, "\xe1", Preset("x"))
    assert save_preset(tmp_path, "e\u0301" * 64, Preset("x")).stem == "\xe9" * 64


def test_an_existing_preset_is_replaced_only_on_request(tmp_path):
    path = save_preset(tmp_path, "mine", Preset("x", cfg_scale=2.0))
    with pytest.raises(RequestError, match='"mine" already'):
        save_preset(tmp_path, "mine", Preset("x", cfg_scale=9.0))
    assert read_preset(path).cfg_scale == 2.0
    save_preset(tmp_path, "mine", Preset("x", cfg_scale=9.0), overwrite=True)
    assert read_preset(path).cfg_scale == 9.0
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.json"]


def test_a_link_in_the_way_is_replaced_not_followed(tmp_path):
    target = tmp_path / "precious.txt"
    target.write_text("precious", encoding="utf-8")
    try:
        (tmp_path / "mine.json").symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")
    save_preset(tmp_path, "mine", Preset("x"), overwrite=True)
    assert target.read_text(encoding="utf-8") == "precious"


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RequestError, match="cannot be made"):
        save_preset(tmp_path / "file", "mine", Preset("x"))


def test_a_text_that_cannot_be_stored_leaves_no_file(tmp_path):
    with pytest.raises(RequestError, match="half characters"):
        save_preset(tmp_path, "mine", Preset("x", prompt="\ud800"))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = save_preset(tmp_path, "mine", Preset("x", prompt="start"))
    stop = threading.Event()
    broken = []

    def read():
        while not stop.is_set():
            try:
                json.loads(path.read_text("utf-8"))
            except ValueError as error:
                broken.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        save_preset(tmp_path, "mine", Preset("x", prompt=str(number) * 5_000), overwrite=True)
    stop.set()
    reader.join()
    assert not broken


@pytest.mark.skipif(os.name == "nt", reason="file modes are a Unix thing")
def test_a_saved_preset_can_be_read_by_others(tmp_path):
    assert save_preset(tmp_path, "mine", Preset("x")).stat().st_mode & 0o777 == 0o644


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*KEYS.values(), "other"]), json_values))
@example({"default_styles": [""]})
@example({"default_refiner": " "})
def test_any_object_becomes_a_preset_whose_settings_are_legal(content):
    preset = preset_from_json("x", content)
    Settings().replace(**preset.settings)
    again = preset_from_json("x", json.loads(json.dumps(preset.to_json())))
    assert again.settings == preset.settings


def test_a_preset_is_found_however_its_accents_are_typed(tmp_path):
    (tmp_path / "cafe\u0301.json").write_text("{}", encoding="utf-8")
    library = load_presets([tmp_path])
    assert library.names == ["caf\xe9"]
    assert library.get("cafe\u0301") is library.get("caf\xe9")

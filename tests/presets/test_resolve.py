"""What a preset asks of a machine: files found, missing, never replaced."""

from __future__ import annotations

from fooocus_ext.presets import file_names
from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.presets.resolve import Folders, resolve

OFFSET = "sd_xl_offset_example-lora_1.0.safetensors"
CONTENT = {
    "default_model": "great_v8.safetensors",
    "default_refiner": "fine.safetensors",
    "default_vae": "own_vae.safetensors",
    "default_loras": [
        [True, "film.safetensors", 0.25],
        [False, "unused.safetensors", 1.0],
        [True, "None", 1.0],
        [True, OFFSET, 0.1],
    ],
    "previous_default_models": ["great_v7.safetensors"],
    "checkpoint_downloads": {"great_v8.safetensors": "https://example.org/great_v8"},
    "lora_downloads": {"film.safetensors": "https://example.org/film"},
}
FOLDERS = Folders("/sd/checkpoints", "/sd/loras", "/sd/vaes")


def look_up(checkpoints=(), loras=(), vaes=(), **changes):
    preset = preset_from_json("mine", {**CONTENT, **changes})
    return resolve(preset, checkpoints, loras, vaes, FOLDERS)


def test_everything_present_is_named_as_the_host_names_it():
    found = look_up(
        ["XL/Great_v8.safetensors [0123456789]", "fine.ckpt"],
        ["film", "sub/sd_xl_offset_example-lora_1.0", "unused"],
        ["own_vae.safetensors"],
    )
    assert found.checkpoint == "XL/Great_v8.safetensors [0123456789]"
    assert found.refiner == "fine.ckpt"
    assert found.vae == "own_vae.safetensors"
    assert found.loras == (("film", 0.25), ("sub/sd_xl_offset_example-lora_1.0", 0.1))
    assert (found.problems, found.notes) == ((), ())


def test_what_is_missing_is_named_with_its_folder_address_and_the_nearest():
    found = look_up(["great_v9.safetensors", "other"], ["filmic"])
    assert (found.checkpoint, found.refiner, found.vae, found.loras) == (None, None, None, ())
    checkpoint, refiner, vae, lora = found.problems
    for part in (
        '"mine"',
        "checkpoint great_v8.safetensors",
        "/sd/checkpoints",
        '"great_v9.safetensors"',
        "https://example.org/great_v8",
    ):
        assert part in checkpoint
    assert "refiner fine.safetensors" in refiner
    assert "/sd/vaes" in vae
    for part in ("LoRA film.safetensors", "/sd/loras", '"filmic"', "https://example.org/film"):
        assert part in lora


def test_an_earlier_version_is_mentioned_and_not_used():
    found = look_up(["great_v7.safetensors", "fine"], ["film"], ["own_vae"])
    assert found.checkpoint is None
    assert len(found.problems) == 1
    assert '"great_v7.safetensors"' in found.problems[0]
    assert "by hand" in found.problems[0]


def test_a_similar_name_is_never_taken_for_the_file():
    assert look_up(["great_v8_inpaint", "great_v80", "xgreat_v8"]).checkpoint is None


def test_the_offset_lora_may_be_missing():
    found = look_up(["great_v8", "fine"], ["film"], ["own_vae"])
    assert not found.problems
    assert found.loras == (("film", 0.25),)
    assert OFFSET in found.notes[0]


def test_silent_and_empty_choices_ask_for_nothing():
    found = resolve(preset_from_json("x", {"default_vae": "Default (model)"}), [], [])
    assert (found.checkpoint, found.refiner, found.vae, found.problems) == (None, None, None, ())
    assert resolve(preset_from_json("x", {"default_refiner": "None"}), [], []).refiner == "None"


def test_a_refiner_that_is_the_base_is_none_as_in_fooocus():
    found = look_up(["great_v8"], ["film"], ["own_vae"], default_refiner="great_v8.safetensors")
    assert found.refiner == "None"
    assert any("itself" in note for note in found.notes)


def test_similar_files_are_looked_for_on_behalf_of_the_first_missing_ones_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(file_names, "nearest_names", lambda name, _known: asked.append(name) or [])
    loras = [[True, f"gone{number}", 1.0] for number in range(200)]
    loras += [[True, OFFSET, 0.1]] * 200
    found = look_up(["great_v8", "fine"], vaes=["own_vae"], default_loras=loras)
    assert len(found.problems) == 200
    assert len(asked) <= 5
    assert len(found.notes) == 1

"""Files that come after a preset was chosen which names them."""

from __future__ import annotations

from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.presets.resolve import resolve
from fooocus_ext.tab.arrivals import values_for

PRESET = preset_from_json(
    "mine",
    {
        "default_model": "big.safetensors",
        "default_refiner": "None",
        "default_vae": "good.safetensors",
        "default_loras": [[True, "film.safetensors", 0.5], [True, "noise.safetensors", 0.25]],
    },
)


def values(arrived, slots=("None",) * 5):
    found = resolve(
        PRESET, ["sub/big.safetensors [0123456789]"], ["film", "noise"], ["good.safetensors", "x"]
    )
    return values_for(arrived, PRESET, found, slots)


def test_what_has_come_takes_the_places_that_the_preset_has_for_it():
    assert values(["big.safetensors"]) == {"base_model": "sub/big.safetensors [0123456789]"}
    assert values(["good.safetensors"]) == {"vae": "good.safetensors"}
    assert values(["noise.safetensors"]) == {
        "lora_1": "noise",
        "lora_weight_1": 0.25,
        "lora_on_1": True,
    }
    both = values(["noise.safetensors", "film.safetensors"])
    assert [both[f"lora_{slot}"] for slot in (1, 2)] == ["film", "noise"]


def test_what_the_preset_does_not_name_changes_nothing():
    assert values(["other.safetensors"]) == {}


def test_loras_that_are_chosen_stay():
    slots = ("film", "", "mine", "None", "None")
    assert values(["noise.safetensors", "film.safetensors"], slots) == {
        "lora_2": "noise",
        "lora_weight_2": 0.25,
        "lora_on_2": True,
    }
    assert values(["noise.safetensors"], ("a", "b", "c", "d", "e")) == {}

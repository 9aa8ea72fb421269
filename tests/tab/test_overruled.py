"""What fast performances put in place of the page's values is what a plan really makes of them."""

from __future__ import annotations

import pytest

from fooocus_ext.args import Settings
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.resolve import Folders
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.overruled import overruled, overruled_loras
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

INSTALLED = Installed(
    presets=PresetLibrary({}),
    checkpoints=["r"],
    loras=[mode.lora for mode in PERFORMANCES.values() if mode.lora],
    vaes=[],
    samplers=["DPM++ SDE", "DPM++ 2M SDE", "LCM", "Euler"],
    schedulers=["Karras", "SGM Uniform"],
    folders=Folders("", "", ""),
)


@pytest.mark.parametrize(
    ("performance", "slot", "weight", "notes"),
    [
        ("Extreme Speed", "sdxl_lcm_lora", 0.5, 1),
        ("Extreme Speed", "sub/sdxl_lcm_lora", 0.5, 1),
        ("Extreme Speed", "sdxl_lcm_lora", 1.0, 0),  # which it has anyway
        ("Extreme Speed", "film", 0.5, 0),
        ("Speed", "sdxl_lcm_lora", 0.5, 0),
    ],
)
def test_a_slot_whose_weight_is_not_used_is_told(performance, slot, weight, notes):
    values = {"performance": performance, "lora_2": slot, "lora_weight_2": weight}
    page = read_choices([{**DEFAULTS, "base_model": "b", **values}[name] for name in NAMES])
    assert overruled_loras(page) == notes * [
        f'The LoRA {slot} has the weight 1 of "Extreme Speed", not the 0.5 of its slot.'
    ]


@pytest.mark.parametrize("name", PERFORMANCES)
def test_each_value_is_the_one_that_is_used(name):
    page = {"sharpness": 3.0, "adm_end": 0.5, "adaptive_cfg": 9.0, "refiner": "r"}
    plan = make_plan(Settings(enabled=True, performance=name, **page), INSTALLED)
    shown = overruled().get(name, {})
    used = {
        **plan.settings.as_dict(),
        "guidance_scale": plan.request.get("cfg_scale"),
        "sampler": plan.request.get("sampler_name"),
        "scheduler": plan.request.get("scheduler"),
    }
    for widget, value in shown.items():
        expected = used[widget]
        assert value == (f"{expected:g}" if isinstance(expected, float) else expected)
    unchanged = {key for key, value in page.items() if used[key] == value}
    assert not unchanged & shown.keys()
    assert bool(shown) == (name not in ("Speed", "Quality"))

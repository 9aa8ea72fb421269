"""What fast performances put in place of the page's values is what a plan really makes of them."""

from __future__ import annotations

import pytest

from fooocus_ext.args import Settings
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.resolve import Folders
from fooocus_ext.tab.overruled import overruled

INSTALLED = Installed(
    presets=PresetLibrary({}),
    checkpoints=["r"],
    loras=[mode.lora for mode in PERFORMANCES.values() if mode.lora],
    vaes=[],
    samplers=["DPM++ SDE", "DPM++ 2M SDE", "LCM", "Euler"],
    schedulers=["Karras", "SGM Uniform"],
    folders=Folders("", "", ""),
)


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

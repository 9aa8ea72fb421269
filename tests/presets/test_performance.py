"""Performance modes: Fooocus's numbers, and the LoRA a mode needs."""

from __future__ import annotations

import pytest

from fooocus_ext.args import PERFORMANCE_NAMES, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.performance import (
    PERFORMANCES,
    find_lora,
    find_performance,
)
from fooocus_ext.presets.samplers import SAMPLERS, SCHEDULERS

# Section 1.4 of the reference: steps, upscale steps, sampler, scheduler, LoRA, weight.
TABLE = {
    "Speed": (30, 18, None, None, None, 1.0),
    "Quality": (60, 36, None, None, None, 1.0),
    "Extreme Speed": (8, 8, "lcm", "lcm", "sdxl_lcm_lora.safetensors", 1.0),
    "Lightning": (4, 4, "euler", "sgm_uniform", "sdxl_lightning_4step_lora.safetensors", 1.0),
    "Hyper-SD": (4, 4, "dpmpp_sde_gpu", "karras", "sdxl_hyper_sd_4step_lora.safetensors", 0.8),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_numbers_are_fooocus_numbers(name):
    mode = PERFORMANCES[name]
    row = (
        mode.steps,
        mode.upscale_steps,
        mode.sampler,
        mode.scheduler,
        mode.lora,
        mode.lora_weight,
    )
    assert row == TABLE[name]


def test_the_modes_are_those_of_the_arguments():
    assert set(PERFORMANCE_NAMES) - {"webui"} == set(PERFORMANCES)


@pytest.mark.parametrize("name", ["Extreme Speed", "Lightning", "Hyper-SD"])
def test_distilled_modes_switch_refiner_and_tricks_off(name):
    mode = find_performance(name)
    assert mode.distilled
    assert mode.cfg_scale == 1.0
    settings = Settings(sharpness=9.0, refiner="x").replace(**mode.settings)
    assert settings.refiner == "None"
    assert settings.refiner_switch == 1.0
    assert settings.sharpness == 0.0
    assert settings.adaptive_cfg == 1.0
    assert (settings.adm_positive, settings.adm_negative, settings.adm_end) == (1.0, 1.0, 0.0)
    assert mode.sampler in SAMPLERS
    assert mode.scheduler in SCHEDULERS


@pytest.mark.parametrize("name", ["Speed", "Quality"])
def test_the_others_force_nothing_but_steps(name):
    mode = find_performance(name)
    assert not mode.distilled
    assert (mode.cfg_scale, dict(mode.settings)) == (None, {})
    assert find_lora(mode, [], "models/Lora") is None


def test_webui_means_no_mode_and_unknown_names_are_refused():
    assert find_performance("webui") is None
    with pytest.raises(RequestError, match=r'"lightening".*"Lightning"'):
        find_performance("lightening")


@pytest.mark.parametrize(
    "entry",
    [
        "sdxl_lcm_lora",
        "sdxl_lcm_lora.safetensors",
        "fast/SDXL_LCM_LoRA.safetensors",
        "fast\\sdxl_lcm_lora.pt",
    ],
)
def test_the_lora_is_found_under_the_hosts_name(entry):
    assert find_lora(PERFORMANCES["Extreme Speed"], ["other", entry], "x") == entry


def test_a_missing_lora_is_refused_with_file_folder_address_and_nearest():
    with pytest.raises(RequestError) as refused:
        find_lora(
            PERFORMANCES["Lightning"], ["sdxl_lightning_8step_lora", "cat"], "/sd/models/Lora"
        )
    for part in (
        "sdxl_lightning_4step_lora.safetensors",
        "/sd/models/Lora",
        '"sdxl_lightning_8step_lora"',
        "https://",
    ):
        assert part in refused.value.detail
    assert "cat" not in refused.value.detail.replace("published", "")

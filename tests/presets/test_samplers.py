"""Sampler names: what each webui version is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.presets.samplers import (
    SAMPLERS,
    SCHEDULERS,
    fooocus_names,
    host_sampler,
)
from fooocus_ext.presets.webui_samplers import webui_sampler


def listed(names):
    return names.split("|")


V110 = listed(
    "DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 2M SDE Heun|DPM++ 2S a|DPM++ 3M SDE|Euler a|Euler|LMS|Heun"
    "|DPM2|DPM2 a|DPM fast|DPM adaptive|Restart|DDIM|DDIM CFG++|PLMS|UniPC|LCM"
)
V110_SCHEDULERS = listed(
    "Automatic|Uniform|Karras|Exponential|Polyexponential|SGM Uniform|KL Optimal|Align Your Steps"
    "|Simple|Normal|DDIM|Beta"
)
V19_SCHEDULERS = V110_SCHEDULERS[:6]
V16 = listed(
    "DPM++ 2M Karras|DPM++ SDE Karras|DPM++ 2M SDE Exponential|DPM++ 2M SDE Karras|Euler a|Euler|LMS"
    "|Heun|DPM2|DPM2 a|DPM++ 2S a|DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 3M SDE|DPM++ 3M SDE Karras"
    "|DPM fast|DPM adaptive|LMS Karras|DPM2 Karras|DPM2 a Karras|DPM++ 2S a Karras|Restart|DDIM|PLMS"
    "|UniPC"
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("dpmpp_2m_sde_gpu", "karras"), ("DPM++ 2M SDE", "Karras")),
        (("lcm", "lcm"), ("LCM", "SGM Uniform")),
        (("euler", "sgm_uniform"), ("Euler", "SGM Uniform")),
        (("dpmpp_sde_gpu", "karras"), ("DPM++ SDE", "Karras")),
        (("dpmpp_2m", "normal"), ("DPM++ 2M", "Normal")),
        (("dpmpp_2m", "simple"), ("DPM++ 2M", "Simple")),
        (("euler", "ddim_uniform"), ("Euler", "DDIM")),
        (("euler", "align_your_steps"), ("Euler", "Align Your Steps")),
        (("ddim", "karras"), ("DDIM", "Automatic")),
        (("uni_pc", "normal"), ("UniPC", "Automatic")),
        (("restart", "karras"), ("Restart", "Karras")),
    ],
)
def test_v110_has_samplers_and_schedule_types(names, expected):
    found = host_sampler(*names, V110, V110_SCHEDULERS)
    assert (found.sampler, found.scheduler) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("dpmpp_2m_sde_gpu", "karras"), "DPM++ 2M SDE Karras"),
        (("dpmpp_2m_sde", "exponential"), "DPM++ 2M SDE Exponential"),
        (("dpmpp_2m", "normal"), "DPM++ 2M"),
        (("euler_ancestral", "normal"), "Euler a"),
        (("dpmpp_sde_gpu", "karras"), "DPM++ SDE Karras"),
        (("ddim", "karras"), "DDIM"),
        (("restart", "karras"), "Restart"),
        (("dpm_fast", "karras"), "DPM fast"),
    ],
)
def test_v16_has_the_schedule_in_the_samplers_name(names, expected):
    found = host_sampler(*names, V16)
    assert (found.sampler, found.scheduler) == (expected, None)


def test_v19_calls_normal_uniform():
    assert host_sampler("euler", "normal", V110, V19_SCHEDULERS).scheduler == "Uniform"


def test_a_schedule_that_fooocus_never_ran_falls_back_with_a_note():
    found = host_sampler("dpmpp_2m", "turbo", V110, V110_SCHEDULERS)
    assert (found.sampler, found.scheduler) == ("DPM++ 2M", "Normal")
    assert "turbo" in found.notes[0]
    assert host_sampler("uni_pc_bh2", "normal", V110, V110_SCHEDULERS).notes


@pytest.mark.parametrize(
    ("names", "samplers", "schedulers", "parts"),
    [
        (("lcm", "lcm"), V16, (), ["sampler:", '"LCM"', "Euler a"]),
        (("heunpp2", "normal"), V110, V110_SCHEDULERS, ["sampler:", '"HeunPP2"']),
        (("euler", "sgm_uniform"), V16, (), ["scheduler:", '"sgm_uniform"', "it has Euler."]),
        (("euler", "karras"), V16, (), ["scheduler:", '"Euler"', "it has Euler."]),
        (("dpmpp_2m", "edm_playground_v2.5"), V110, V110_SCHEDULERS, ["EDM", "karras"]),
        (("euler", "simple"), V110, V19_SCHEDULERS, ["scheduler:", "SGM Uniform"]),
        (("dpmpp_2m", "tcd"), V110, V110_SCHEDULERS, ["scheduler:", '"tcd"']),
    ],
)
def test_what_the_webui_cannot_compute_is_refused(names, samplers, schedulers, parts):
    with pytest.raises(RequestError) as refused:
        host_sampler(*names, samplers, schedulers)
    for part in parts:
        assert part in refused.value.detail


@given(st.text(max_size=30), st.text(max_size=30))
def test_unknown_names_are_refused(sampler, scheduler):
    if sampler in SAMPLERS and scheduler in SCHEDULERS:
        return
    with pytest.raises(RequestError, match="allowed"):
        host_sampler(sampler, scheduler, V110, V110_SCHEDULERS)


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"heunpp2", "ddpm", "tcd"}))
def test_every_other_sampler_exists_in_v110(sampler):
    found = host_sampler(sampler, "karras", V110, V110_SCHEDULERS)
    assert found.sampler in V110
    assert found.scheduler in V110_SCHEDULERS


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (("DPM++ 2M SDE Karras", None), ("dpmpp_2m_sde_gpu", "karras")),
        (("DPM++ 2M SDE", "Karras"), ("dpmpp_2m_sde_gpu", "karras")),
        (("DPM++ 2M", "Uniform"), ("dpmpp_2m", "normal")),
        (("Euler", "SGM Uniform"), ("euler", "sgm_uniform")),
        (("LCM", "SGM Uniform"), ("lcm", "lcm")),
        (("DDIM", "Automatic"), ("ddim", None)),
        (("Euler a", None), ("euler_ancestral", None)),
        (("something else", "Beta"), (None, None)),
    ],
)
def test_the_webuis_names_translate_back(host, expected):
    assert fooocus_names(*host) == expected


@pytest.mark.parametrize(
    "sampler", ["euler", "dpmpp_2m", "dpmpp_2m_sde_gpu", "dpmpp_sde_gpu", "lms"]
)
@pytest.mark.parametrize("scheduler", ["normal", "karras", "exponential", "sgm_uniform", "simple"])
def test_there_and_back(sampler, scheduler):
    found = host_sampler(sampler, scheduler, V110, V110_SCHEDULERS)
    assert fooocus_names(found.sampler, found.scheduler) == (sampler, scheduler)


OLD_AND_NEW = [
    ("DPM++ 2M Karras", "DPM++ 2M", "Karras"),
    ("DPM++ SDE Karras", "DPM++ SDE", "Karras"),
    ("DPM++ 2M SDE Exponential", "DPM++ 2M SDE", "Exponential"),
    ("DPM++ 2M SDE Karras", "DPM++ 2M SDE", "Karras"),
    ("DPM++ 2M SDE Heun Karras", "DPM++ 2M SDE Heun", "Karras"),
    ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
    ("DPM++ 2M SDE Heun", "DPM++ 2M SDE Heun", "Uniform"),
    ("DPM++ 3M SDE Karras", "DPM++ 3M SDE", "Karras"),
    ("DPM++ 3M SDE Exponential", "DPM++ 3M SDE", "Exponential"),
    ("DPM++ 2S a Karras", "DPM++ 2S a", "Karras"),
    ("DPM2 Karras", "DPM2", "Karras"),
    ("DPM2 a Karras", "DPM2 a", "Karras"),
    ("LMS Karras", "LMS", "Karras"),
    ("DPM++ 2M", "DPM++ 2M", "Uniform"),
    ("DPM2", "DPM2", "Uniform"),
    ("Euler a", "Euler a", "Automatic"),
    ("LMS", "LMS", "Automatic"),
    ("Restart", "Restart", "Automatic"),
    ("DPM adaptive", "DPM adaptive", "Automatic"),
    ("DDIM", "DDIM", "Automatic"),
    ("PLMS", "PLMS", "Automatic"),
    ("UniPC", "UniPC", "Automatic"),
]
V18 = [*V16, *listed("DPM++ 2M SDE Heun|DPM++ 2M SDE Heun Karras|DPM++ 2M SDE Heun Exponential")]
V18 += listed("DPM++ 3M SDE Exponential|LCM")


@pytest.mark.parametrize("schedulers", [V110_SCHEDULERS, V19_SCHEDULERS])
@pytest.mark.parametrize("stated", [None, "Automatic"])
@pytest.mark.parametrize(("old", "sampler", "scheduler"), OLD_AND_NEW)
def test_old_pictures_on_a_new_webui(old, sampler, scheduler, stated, schedulers):
    found = webui_sampler(old, stated, V110, schedulers)
    assert (found.sampler, found.scheduler) == (sampler, scheduler)
    assert webui_sampler(old.lower(), stated, V110, schedulers) == found


@pytest.mark.parametrize(("old", "sampler", "scheduler"), OLD_AND_NEW)
def test_new_pictures_on_an_old_webui(old, sampler, scheduler):
    found = webui_sampler(sampler, scheduler, V18)
    assert (found.sampler, found.scheduler) == (old, None)


@pytest.mark.parametrize("name", V18)
def test_old_pictures_on_an_old_webui(name):
    assert webui_sampler(name, None, V18) == webui_sampler(name, "Automatic", V18)
    assert webui_sampler(name, None, V18).sampler == name


@pytest.mark.parametrize("sampler", V110)
@pytest.mark.parametrize("scheduler", V110_SCHEDULERS[1:])
def test_new_pictures_on_a_new_webui(sampler, scheduler):
    found = webui_sampler(sampler, scheduler, V110, V110_SCHEDULERS)
    assert (found.sampler, found.scheduler) == (sampler, scheduler)


@pytest.mark.parametrize(
    ("names", "samplers", "schedulers", "part"),
    [
        (("DPM++ 2M", "Beta"), V18, (), "it has DPM++ 2M Karras, DPM++ 2M"),
        (("Euler a", "Karras"), V18, (), "it has Euler a"),
        (("DPM++ 9M Karras", None), V110, V110_SCHEDULERS, 'no sampler "DPM++ 9M Karras"'),
        (("DPM++ 2M", "Beta"), V110, V19_SCHEDULERS, 'no schedule type "Beta"'),
        (("DPM++ 2M Beta", None), V110, V19_SCHEDULERS, 'no schedule type "Beta"'),
    ],
)
def test_a_sampler_of_another_webui_that_this_one_lacks_is_said(names, samplers, schedulers, part):
    with pytest.raises(RequestError) as refused:
        webui_sampler(*names, samplers, schedulers)
    assert part in refused.value.detail


@pytest.mark.parametrize(
    ("fooocus", "host"),
    [
        (("ddim", "karras"), ("DDIM", "Karras")),
        (("lcm", "lcm"), ("LCM", "Automatic")),
        (("lcm", "sgm_uniform"), ("LCM", "SGM Uniform")),
        (("uni_pc", "karras"), ("UniPC", "Karras")),
        (("dpm_fast", "simple"), ("DPM fast", "Simple")),
        (("euler", "sgm_uniform"), ("Euler", "SGM Uniform")),
    ],
)
def test_fooocus_rendering_keeps_every_pair_apart(fooocus, host):
    samplers = ["Euler", "DDIM", "LCM", "UniPC", "DPM fast"]
    schedulers = ["Automatic", "Karras", "SGM Uniform", "Simple"]
    found = host_sampler(*fooocus, samplers, schedulers, as_fooocus=True)
    assert (found.sampler, found.scheduler, found.notes) == (*host, ())
    assert fooocus_names(*host, as_fooocus=True) == fooocus


def test_where_samplers_imply_their_schedule_there_is_no_such_choice():
    """Up to v1.8 the webui has no "DDIM Karras"."""
    found = host_sampler("ddim", "karras", ["DDIM"], as_fooocus=True)
    assert (found.sampler, found.scheduler) == ("DDIM", None)


def test_fooocus_rendering_runs_what_fooocus_ran_in_place_of_align_your_steps():
    schedulers = ["Automatic", "Align Your Steps", "Normal"]
    found = host_sampler("euler", "align_your_steps", ["Euler"], schedulers, as_fooocus=True)
    assert (found.sampler, found.scheduler) == ("Euler", "Normal")
    assert found.notes


@pytest.mark.parametrize(
    ("sampler", "names"),
    [
        ("Euler a", ("euler_ancestral", "normal")),
        ("DPM++ 2M SDE", ("dpmpp_2m_sde_gpu", "normal")),
        ("DPM++ 2M SDE Karras", ("dpmpp_2m_sde_gpu", "karras")),
        ("Restart", ("restart", "karras")),
        ("LCM", ("lcm", "lcm")),
        ("UniPC", ("uni_pc", "normal")),
        ("Something else", (None, None)),
    ],
)
def test_without_schedule_types_a_name_without_schedule_is_the_plain_one(sampler, names):
    assert fooocus_names(sampler, "") == names
    if names[0] and sampler in V18:
        back = host_sampler(*names, V18)
        assert (back.sampler, back.scheduler) == (sampler, None)

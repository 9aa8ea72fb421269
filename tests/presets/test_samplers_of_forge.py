"""Sampler names on Forge's family: each webui is asked for what it has, and reads the others' pictures.

The lists are those of Forge (June 2025), reForge (as far as Fooocus or A1111 have them) and Forge Classic.
"""

from __future__ import annotations

import pytest

from fooocus_ext.errors import RequestError
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.samplers import (
    DEFAULT_SAMPLER,
    DEFAULT_SCHEDULER,
    SAMPLERS,
    host_sampler,
)
from fooocus_ext.presets.webui_samplers import webui_sampler
from tests.presets.test_samplers import V110, V110_SCHEDULERS, listed

FORGE = listed(
    "DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 2M SDE Heun|DPM++ 2S a|DPM++ 3M SDE|Euler a|Euler|LMS|Heun"
    "|DPM2|DPM2 a|DPM fast|DPM adaptive|Restart|HeunPP2|IPNDM|IPNDM_V|DEIS|DDIM|DDIM CFG++|PLMS|UniPC"
    "|LCM|DDPM"
)
FORGE_SCHEDULERS = listed(
    "Automatic|Uniform|Karras|Exponential|Polyexponential|SGM Uniform|KL Optimal|Align Your Steps"
    "|Simple|Normal|DDIM|Beta|Turbo|Align Your Steps GITS|Align Your Steps 11|Align Your Steps 32"
)
REFORGE = [
    *(name for name in FORGE if name != "DDIM CFG++"),
    *listed("Euler A2|Euler A Turbo|DPM++ 2M Turbo|DPM++ 2M SDE Turbo|Euler Comfy|Euler A Comfy"),
]
REFORGE_SCHEDULERS = [
    *FORGE_SCHEDULERS,
    "Sinusoidal SF",
    "Cosine",
    "Phi",
    "Laplace",
    "Karras Dynamic",
]
CLASSIC = listed(
    "DPM++ 2M Karras|DPM++ SDE Karras|DPM++ 2M SDE Exponential|DPM++ 2M SDE Karras|Euler a|Euler|LMS|Heun"
    "|DPM2|DPM2 a|DPM++ 2S a|DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 2M SDE Heun|DPM++ 2M SDE Heun Karras"
    "|DPM++ 2M SDE Heun Exponential|DPM++ 3M SDE|DPM++ 3M SDE Karras|DPM++ 3M SDE Exponential|DPM fast"
    "|DPM adaptive|LMS Karras|DPM2 Karras|DPM2 a Karras|DPM++ 2S a Karras|Restart|DDIM|PLMS|UniPC|LCM"
    "|DDPM|DDPM Karras|Euler A Turbo|DPM++ 2M Turbo|DPM++ 2M SDE Turbo|LCM Karras|Euler SGMUniform"
    "|Euler A SGMUniform|DPM++ 2M SGMUniform|DPM++ 2M SDE SGMUniform"
)
WITH_SCHEDULERS = [(FORGE, FORGE_SCHEDULERS), (REFORGE, REFORGE_SCHEDULERS)]
FAMILIES = [*WITH_SCHEDULERS, (CLASSIC, [])]
IDS = ["Forge", "reForge", "Classic"]


@pytest.mark.parametrize("family", FAMILIES, ids=IDS)
@pytest.mark.parametrize("mode", PERFORMANCES.values(), ids=lambda mode: mode.name)
def test_every_performance_mode_finds_its_sampler(family, mode):
    names = (mode.sampler or DEFAULT_SAMPLER, mode.scheduler or DEFAULT_SCHEDULER)
    found = host_sampler(*names, *family)
    assert found.sampler in family[0]
    assert found.scheduler in (family[1] or [None])


@pytest.mark.parametrize(("samplers", "schedulers"), WITH_SCHEDULERS, ids=IDS[:2])
@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"tcd"}))
def test_samplers_that_a1111_lacks_are_found_where_they_are(samplers, schedulers, sampler):
    assert host_sampler(sampler, "karras", samplers, schedulers).sampler in samplers


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("euler", "sgm_uniform"), "Euler SGMUniform"),
        (("euler_ancestral", "sgm_uniform"), "Euler A SGMUniform"),
        (("euler_ancestral", "normal"), "Euler a"),
        (("ddpm", "karras"), "DDPM Karras"),
        (("lcm", "lcm"), "LCM"),
    ],
)
def test_classic_has_the_schedule_in_the_samplers_name(names, expected):
    found = host_sampler(*names, CLASSIC)
    assert (found.sampler, found.scheduler) == (expected, None)


@pytest.mark.parametrize(
    ("classic", "sampler", "scheduler"),
    [
        ("DPM++ 2M SDE Karras", "DPM++ 2M SDE", "Karras"),
        ("Euler SGMUniform", "Euler", "SGM Uniform"),
        ("Euler A SGMUniform", "Euler a", "SGM Uniform"),
        ("DPM++ 2M SGMUniform", "DPM++ 2M", "SGM Uniform"),
    ],
)
def test_pictures_of_classic_and_of_the_others_are_read_by_either(classic, sampler, scheduler):
    for samplers, schedulers in (*WITH_SCHEDULERS, (V110, V110_SCHEDULERS)):
        found = webui_sampler(classic, None, samplers, schedulers)
        assert (found.sampler, found.scheduler) == (sampler, scheduler)
    assert webui_sampler(sampler, scheduler, CLASSIC).sampler == classic


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (("HeunPP2", "Karras"), 'no sampler "HeunPP2"'),
        (("Euler", "Turbo"), 'no schedule type "Turbo"'),
        (("Euler", "Align Your Steps 32"), 'no schedule type "Align Your Steps 32"'),
    ],
)
def test_a1111_says_what_it_lacks_of_a_picture_of_forge(names, part):
    with pytest.raises(RequestError, match=part):
        webui_sampler(*names, V110, V110_SCHEDULERS)


def test_where_lcm_has_its_distilled_schedule_alone_this_is_said():
    """Classic has no list of schedules, so that Fooocus's rendering reads "LCM" as the distilled one."""
    [note] = host_sampler("lcm", "normal", CLASSIC, as_fooocus=True).notes
    assert note == 'LCM has its distilled schedule here; Fooocus asked for "normal".'
    assert host_sampler("lcm", "lcm", CLASSIC, as_fooocus=True).notes == ()
    assert host_sampler("lcm", "normal", CLASSIC).notes == ()
    assert host_sampler("lcm", "normal", FORGE, FORGE_SCHEDULERS, as_fooocus=True).notes == ()

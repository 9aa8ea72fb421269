"""How many steps image to image makes, and over which noise levels, where the webui decides it."""

from __future__ import annotations

import pytest

from tests.contract import probes

FOOOCUS = {"rendering": "Fooocus"}
NOTHING_ANEW = {"tab": "img2img", "denoising_strength": 0, "steps": 4}
OF_ALL_STEPS = {"override_settings": {"img2img_fix_steps": True}}
OF_A_SHARE = {"override_settings": {"img2img_fix_steps": False}}


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M", "DDIM"])
def test_a_picture_of_which_nothing_is_made_anew_takes_the_webuis_one_step(host, picture, sampler):
    """With as many steps as asked for, the webui has none there, and some of its samplers fail."""
    request = {**NOTHING_ANEW, "init_images": [picture], "sampler_name": sampler}
    with probes.recording(host) as calls:
        made = host.generate(FOOOCUS, **request)
    assert len(calls) == 1
    assert made.difference(host.generate(**request)) < 40


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M"])
@pytest.mark.parametrize("settings", [None, FOOOCUS])
def test_with_the_webuis_own_setting_no_step_is_made(host, picture, sampler, settings):
    request = {**NOTHING_ANEW, **OF_ALL_STEPS, "init_images": [picture], "sampler_name": sampler}
    with probes.recording(host) as calls:
        host.generate(settings, **request)
    assert calls == []


@pytest.mark.parametrize("sampler", ["DPM fast", "DPM adaptive"])
def test_samplers_of_a_range_begin_where_the_picture_is_noised_to(host, picture, sampler):
    """Also where the request wants the webui's fewer steps."""
    request = {"tab": "img2img", "init_images": [picture], "denoising_strength": 0.5, "steps": 4}
    levels = []
    for name in ("Euler", sampler):
        with probes.recording(host) as calls:
            host.generate(FOOOCUS, **request, **OF_A_SHARE, sampler_name=name, scheduler="Karras")
        levels.append(float(calls[0].sigma[0]))
    assert levels[0] == pytest.approx(levels[1])

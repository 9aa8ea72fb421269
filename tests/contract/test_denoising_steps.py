"""How many steps image to image makes, and over which noise levels, where the webui decides it."""

from __future__ import annotations

import pytest

FOOOCUS = {"rendering": "Fooocus"}
NOTHING_ANEW = {"tab": "img2img", "denoising_strength": 0, "steps": 4}
OF_ALL_STEPS = {"override_settings": {"img2img_fix_steps": True}}
OF_A_SHARE = {"override_settings": {"img2img_fix_steps": False}}


@pytest.fixture
def levels(host):
    """The noise level of each model call, in order."""
    seen = []

    def look(params):
        seen.append(float(params.sigma[0]))

    callbacks = host.modules.script_callbacks
    callbacks.on_cfg_denoiser(look)
    yield seen
    callbacks.remove_callbacks_for_function(look)


def named(host, sampler):
    """A sampler's name with schedule type "Karras", where a name still means both, as on Classic."""
    both = f"{sampler} Karras"
    return both if both in host.modules.sd_samplers.all_samplers_map else sampler


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M", "DDIM"])
def test_a_picture_of_which_nothing_is_made_anew_takes_the_webuis_one_step(
    host, picture, levels, sampler
):
    """With as many steps as asked for, the webui has none there, and some of its samplers fail."""
    request = {**NOTHING_ANEW, "init_images": [picture], "sampler_name": named(host, sampler)}
    made = host.generate(FOOOCUS, **request)
    assert len(levels) == 1
    assert made.difference(host.generate(**request)) < 40


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M"])
@pytest.mark.parametrize("settings", [None, FOOOCUS])
def test_with_the_webuis_own_setting_no_step_is_made(host, picture, levels, sampler, settings):
    request = {**NOTHING_ANEW, **OF_ALL_STEPS, "init_images": [picture]}
    host.generate(settings, **request, sampler_name=named(host, sampler))
    assert levels == []


@pytest.mark.parametrize("sampler", ["DPM fast", "DPM adaptive"])
def test_samplers_of_a_range_begin_where_the_picture_is_noised_to(host, picture, levels, sampler):
    """Also where the request wants the webui's fewer steps."""
    request = {"tab": "img2img", "init_images": [picture], "denoising_strength": 0.5, "steps": 4}
    first = []
    for name in (named(host, "Euler"), named(host, sampler)):
        levels.clear()
        host.generate(FOOOCUS, **request, **OF_A_SHARE, sampler_name=name, scheduler="Karras")
        first.append(levels[0])
    assert first[0] == pytest.approx(first[1])

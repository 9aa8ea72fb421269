"""Settings of the webui that Fooocus has no counterpart of: under its rendering they do not act."""

from __future__ import annotations

import pytest

from tests.contract.conftest import OFF, activate
from tests.contract.hosts import FAMILY

FOOOCUS = {**OFF, "rendering": "Fooocus"}
IMG2IMG = {"tab": "img2img", "denoising_strength": 0.6}
WEIGHTED = {"prompt": "a (red:1.5) fox in the (snow:0.7)"}
NO_COUNTERPART = {
    "emphasis": ({"emphasis": "None"}, WEIGHTED, {}),
    "noise multiplier": ({"initial_noise_multiplier": 0.5}, IMG2IMG, {}),
    "extra noise": ({"img2img_extra_noise": 0.5}, IMG2IMG, {}),
    "noise schedule": ({"sd_noise_schedule": "Zero Terminal SNR"}, {}, {}),
    "rounded noise schedule": ({"use_downcasted_alpha_bar": True}, {}, {}),
    "low aesthetic score": ({"sdxl_refiner_low_aesthetic_score": 8.0}, {}, {"refiner": True}),
    "high aesthetic score": ({"sdxl_refiner_high_aesthetic_score": 1.5}, {}, {"refiner": True}),
}


@pytest.fixture(params=NO_COUNTERPART)
def job(request, host, picture):
    """Return an option, and what makes a picture in a rendering with it or without."""
    options, fields, settings = NO_COUNTERPART[request.param]
    for name in options:
        host.need_setting(name)
    if "tab" in fields:
        fields = {**fields, "init_images": [picture]}
    if "refiner" in settings:
        settings = {"refiner": host.checkpoints.refiner, "refiner_switch": 0.3}

    def make(rendering):
        return host.generate({**OFF, **settings, "rendering": rendering}, steps=3, **fields)

    return options, make


def test_a_setting_without_a_counterpart_does_not_act(host, job, unchanged):
    options, make = job
    wanted = make("Fooocus")
    with_it = set_for_all_jobs(host, options, make, "Fooocus")
    assert with_it.same_pixels(wanted)
    assert with_it.infotext == wanted.infotext


def test_it_acts_in_the_webuis_own_rendering(host, job):
    if not FAMILY.asks_after_calls:
        pytest.skip("the Forge family reads some of these settings nowhere")
    options, make = job
    assert not set_for_all_jobs(host, options, make, "webui").same_pixels(make("webui"))


def set_for_all_jobs(host, options, make, rendering):
    """Make a picture while options are set as on the settings page."""
    data = host.modules.shared.opts.data
    before = {name: data[name] for name in options}
    data.update(options)
    try:
        return make(rendering)
    finally:
        data.update(before)


def test_a_noise_multiplier_of_the_request_acts(host, picture):
    fields = {**IMG2IMG, "init_images": [picture], "steps": 3}
    usual = host.generate(FOOOCUS, **fields)
    asked = host.generate(FOOOCUS, **fields, initial_noise_multiplier=0.5)
    assert not asked.same_pixels(usual)
    assert "Noise multiplier: 0.5" in asked.infotext


def test_where_it_cannot_render_the_noise_multiplier_acts(host, picture):
    activate(host, "refiner")
    host.modules.shared.opts.data["initial_noise_multiplier"] = 0.5
    result = host.generate(FOOOCUS, **IMG2IMG, init_images=[picture], steps=2)
    assert "Noise multiplier: 0.5" in result.infotext

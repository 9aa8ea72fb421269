"""Off, or on with every trick at its neutral value, the extension must not be there at all."""

from __future__ import annotations

import pytest

from tests.contract.conftest import OFF

SITUATIONS = {
    "plain": {},
    "batch": {"batch_size": 2, "n_iter": 2},
    "AND": {"prompt": "a fox AND snow :0.5"},
    "prompt editing": {"prompt": "a [fox:wolf:0.5] in [snow|rain]"},
    "long prompt": {"prompt": "snow, " * 80},
    "empty negative": {"negative_prompt": ""},
    "Heun": {"sampler_name": "Heun"},
    "DPM++ 2M SDE": {"sampler_name": "DPM++ 2M SDE", "scheduler": "Karras"},
    "DDIM": {"sampler_name": "DDIM"},
    "LCM": {"sampler_name": "LCM", "cfg_scale": 1.5},
    "cfg 1": {"cfg_scale": 1},
    "cfg 12": {"cfg_scale": 12},
    "hires": {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6},
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_disabled_is_byte_identical_to_absent(host, situation):
    fields = SITUATIONS[situation]
    absent = host.generate(**fields)
    assert host.generate({"enabled": False, "sharpness": 9}, **fields).payload == absent.payload
    assert "Fooocus" not in absent.infotext


@pytest.mark.parametrize("situation", SITUATIONS)
def test_neutral_values_are_byte_identical_to_off(host, situation):
    fields = SITUATIONS[situation]
    on, off = host.generate(OFF, **fields), host.generate(**fields)
    assert [p.tobytes() for p in on.pictures] == [p.tobytes() for p in off.pictures]


def test_neutral_values_are_byte_identical_to_off_in_img2img(host, picture, mask):
    fields = {"tab": "img2img", "init_images": [picture], "denoising_strength": 0.6}
    for extra in ({}, {"mask": mask}):
        absent = host.generate(**fields, **extra)
        if not host.generate(**fields, **extra).same_pixels(absent):
            pytest.skip("the webui's own pictures of one request differ (Forge, with a mask)")
        assert host.generate({"enabled": False}, **fields, **extra).payload == absent.payload
        assert host.generate(OFF, **fields, **extra).same_pixels(absent)


ALONE = {
    "sharpness": {"sharpness": 20},
    "positive ADM": {"adm_positive": 2.0},
    # Until its end, since Classic makes the first step of each job without the negative prompt.
    "negative ADM": {"adm_negative": 0.3, "adm_end": 0.9},
    "adaptive CFG": {"adaptive_cfg": 3},
}


@pytest.mark.parametrize("trick", ALONE)
def test_each_trick_alone_changes_the_picture(host, trick):
    assert not host.generate({**OFF, **ALONE[trick]}).same_pixels(host.generate())


@pytest.mark.parametrize("situation", [s for s in SITUATIONS if s != "cfg 1"])
def test_enabled_changes_the_picture_reproducibly(host, situation):
    fields = SITUATIONS[situation]
    wanted = host.generate({"sharpness": 20}, **fields)
    assert not wanted.same_pixels(host.generate(**fields))
    assert host.generate({"sharpness": 20}, **fields).payload == wanted.payload


@pytest.mark.parametrize(
    "neutral",
    [{"adaptive_cfg": 5.0}, {"adaptive_cfg": 30}, {"adm_end": 0, "adm_positive": 3}],
    ids=["mimic at the scale", "mimic above the scale", "ADM that never starts"],
)
def test_settings_that_cannot_act_are_byte_identical_to_off(host, neutral):
    assert host.generate({**OFF, **neutral}).same_pixels(host.generate())


def test_a_generation_after_an_enabled_one_is_as_before(host, unchanged):
    before = host.generate()
    host.generate({"sharpness": 20})
    assert host.generate().payload == before.payload


def test_building_the_panel_again_changes_nothing(host, unchanged):
    """The host calls ui() at least three times for each tab, in layouts that it throws away."""
    import gradio as gr

    before = host.generate({})
    for tab in ("txt2img", "img2img"):
        for _ in range(3):
            script = host.script_of(tab)
            with gr.Blocks():
                components = script.ui(tab == "img2img")
            assert len(components) == script.args_to - script.args_from
            assert [c.value for c in components] == [c.value for c in host.widgets_of(tab)]
    assert host.generate({}).payload == before.payload

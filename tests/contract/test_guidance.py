"""Negative ADM, sharpness and adaptive CFG, call by call, against their definitions in float64."""

from __future__ import annotations

import pytest
import torch

from tests.contract import probes, references
from tests.contract.conftest import OFF, activate
from tests.contract.families import MODEL_CONFIGS, NO_V_IN_DDIM
from tests.contract.hosts import FAMILY

STRONG = {
    "sharpness": 25.0,
    "adm_positive": 1.5,
    "adm_negative": 0.75,
    "adm_end": 0.6,
    "adaptive_cfg": 3.0,
}
LONG = "snow, " * 80
HIRES = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6}


def override(**options):
    return {"override_settings": options}


SITUATIONS = {
    "plain": {},
    "batch": {"batch_size": 2, "n_iter": 2},
    "AND": {"prompt": "a fox :1.2 AND snow :0.5"},
    "AND in a batch": {"prompt": "a fox AND snow AND ice :-0.2", "batch_size": 2},
    "prompt editing": {"prompt": "a [fox:wolf:0.5] in [snow|rain]"},
    "long prompt": {"prompt": LONG},
    "long prompt, padded": {"prompt": LONG, **override(pad_cond_uncond=True)},
    "long prompt, padded as of old": {"prompt": LONG, **override(pad_cond_uncond_v0=True)},
    "long negative prompt": {"negative_prompt": LONG},
    "long AND": {"prompt": LONG + " AND snow", "batch_size": 2},
    "one row at a time": {**override(batch_cond_uncond=False), "batch_size": 2},
    "not square": {"width": 192, "height": 64},
    "cropped": override(sdxl_crop_top=64, sdxl_crop_left=32),
    "high scale": {"cfg_scale": 20.0},
    "scale below the mimic": {"cfg_scale": 2.5},
    "zero-SNR": override(sd_noise_schedule="Zero Terminal SNR"),
    "hires": HIRES,
    "hires in a batch": {**HIRES, "batch_size": 2},
    "DPM++ 2M": {"sampler_name": "DPM++ 2M", "scheduler": "Karras"},
    "DPM++ 2M SDE": {"sampler_name": "DPM++ 2M SDE", "scheduler": "Exponential"},
    "DPM++ SDE": {"sampler_name": "DPM++ SDE", "scheduler": "SGM Uniform"},
    "Euler a": {"sampler_name": "Euler a"},
    "Heun": {"sampler_name": "Heun"},
    "LCM": {"sampler_name": "LCM"},
    "DDIM": {"sampler_name": "DDIM"},
    "DDIM in a batch with AND": {
        "sampler_name": "DDIM",
        "prompt": "a fox AND snow",
        "batch_size": 2,
    },
    "DDIM, zero-SNR": {"sampler_name": "DDIM", **override(sd_noise_schedule="Zero Terminal SNR")},
    "PLMS": {"sampler_name": "PLMS"},
    "UniPC": {"sampler_name": "UniPC"},
    "DDIM CFG++": {"sampler_name": "DDIM CFG++"},
}
SKIPPING = {
    "NGMS": {"s_min_uncond": 4.0},
    "NGMS in all steps": {"s_min_uncond": 4.0, **override(s_min_uncond_all=True)},
    "Skip Early CFG": override(skip_early_cond=0.4),
    "NGMS with DDIM": {"s_min_uncond": 900.0, "sampler_name": "DDIM"},
    "NGMS with AND": {"s_min_uncond": 4.0, "prompt": "a fox AND snow", "batch_size": 2},
}


def record(host, settings, **fields):
    sampler = fields.get("sampler_name")
    if sampler is not None and sampler not in host.modules.sd_samplers.all_samplers_map:
        pytest.skip(f"the host {host.name} has no sampler {sampler}")
    with probes.recording(host) as calls:
        host.generate(settings, **{"steps": 6, **fields})
    assert calls
    return calls


def host_vector(host, width, height):
    """Return the size numbers as the host itself embeds them."""
    conditioning = host.modules.prompt_parser.SdConditioning([""], width=width, height=height)
    with torch.no_grad(), host.modules.devices.autocast():
        vector = host.modules.shared.sd_model.get_learned_conditioning(conditioning)["vector"]
    return vector[0, 1280:1792]


def assert_sizes(host, call, settings):
    height, width = call.x.shape[2] * 8, call.x.shape[3] * 8
    active = call.timestep > 999 * (1 - settings["adm_end"])
    for old, new, scale in (
        (call.cond, call.new_cond, settings["adm_positive"]),
        (call.uncond, call.new_uncond, settings["adm_negative"]),
    ):
        assert torch.equal(old["crossattn"], new["crossattn"])
        expected = old["vector"].clone()
        if active:
            claimed = host_vector(host, int(width * scale), int(height * scale))
            assert not torch.equal(claimed, expected[0, 1280:1792])
            expected[:, 1280:1792] = claimed
        assert torch.equal(new["vector"], expected)
    return active


def expected_output(call, settings, *, skipped):
    """Return what the conditional rows should have become, in float64."""
    rows, timestep, level = call.cond_rows, call.timestep, float(call.sigma[0])
    x, out = call.x[:rows], call.out[:rows]
    if call.sees_noise:
        signal = float(call.alphas_cumprod[int(level)])
        sharp = references.sharpen_eps(x, out, signal, settings["sharpness"], timestep)
    else:
        sharp = references.sharpen_x0(x, out, level, settings["sharpness"], timestep)
    scale = call.denoiser.sampler.sampler_extra_args["cond_scale"]
    ratio = references.adaptive_scale(scale, settings["adaptive_cfg"], timestep) / scale
    uncond = call.out[rows:][call.images].double()
    return sharp if skipped else uncond + ratio * (sharp - uncond)


def assert_output(call, settings, *, skipped=False):
    rows = call.cond_rows
    expected = expected_output(call, settings, skipped=skipped)
    magnitude = max(1.0, float(call.x.abs().max()))
    # the cond rows' own dtype is float32: a rounding of the largest latent is what may differ
    torch.testing.assert_close(
        call.new_out[:rows].double(), expected, rtol=1e-5, atol=1e-6 * magnitude
    )
    assert torch.equal(call.new_out[rows:], call.out[rows:])
    return float((call.new_out - call.out).abs().max())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_call_follows_the_definitions(host, situation, unchanged):
    calls = record(host, STRONG, **SITUATIONS[situation])
    rewritten = [assert_sizes(host, call, STRONG) for call in calls]
    changes = [assert_output(call, STRONG) for call in calls]
    assert any(rewritten), "no call was early enough to be told another size"
    assert max(changes) > 1e-3
    if situation != "hires":
        assert not all(rewritten), "no call was late enough to be told the true size"


@pytest.mark.parametrize("situation", SKIPPING)
def test_calls_without_uncond_are_sharpened_and_not_damped(host, situation):
    calls = record(host, STRONG, **SKIPPING[situation])
    skipped = []
    for call in calls:
        firsts = [call.images.index(image) for image in range(len(call.parts))]
        skipped.append(torch.equal(call.out[call.cond_rows :], call.out[firsts]))
        assert_sizes(host, call, STRONG)
        assert_output(call, STRONG, skipped=skipped[-1])
    assert any(skipped)
    assert not all(skipped)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("inpaint", [False, True])
def test_img2img_and_inpainting_follow_the_definitions(host, sampler, inpaint, picture, mask):
    fields = {"mask": mask} if inpaint else {}
    calls = record(
        host,
        STRONG,
        tab="img2img",
        init_images=[picture],
        denoising_strength=0.75,
        sampler_name=sampler,
        **fields,
    )
    rewritten = [assert_sizes(host, call, STRONG) for call in calls]
    assert any(rewritten)
    assert max(assert_output(call, STRONG) for call in calls) > 1e-3


@pytest.mark.parametrize("sampler", ["Euler", "Heun", "DDIM"])
def test_a_model_that_predicts_v_follows_the_definitions(host, sampler):
    FAMILY.need(MODEL_CONFIGS)
    if sampler == "DDIM":
        FAMILY.need(NO_V_IN_DDIM)
    activate(host, "v_prediction")
    assert host.modules.shared.sd_model.parameterization == "v"
    calls = record(host, STRONG, sampler_name=sampler)
    rewritten = [assert_sizes(host, call, STRONG) for call in calls]
    assert any(rewritten)
    assert max(assert_output(call, STRONG) for call in calls) > 1e-3


def comments_of(host, settings, **fields):
    with probes.processing_objects(host) as objects:
        result = host.generate(settings, **fields)
    return result, [text for text in objects[0].comments if "Fooocus" in text]


@pytest.mark.parametrize("part", ["sd15", "refiner"])
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_models_without_size_numbers_are_told_none_and_it_is_said_once(host, part, sampler):
    activate(host, part)
    with probes.recording(host) as calls:
        result, comments = comments_of(host, STRONG, n_iter=2, steps=6, sampler_name=sampler)
    for call in calls:
        for old, new in ((call.cond, call.new_cond), (call.uncond, call.new_uncond)):
            assert all(torch.equal(old[key], new[key]) for key in old)
        assert_output(call, STRONG)
    assert len(comments) == 1
    assert "ADM" in comments[0]
    for infotext in result.info["infotexts"]:
        assert infotext.count("Fooocus skipped") == 1


def test_nothing_is_said_of_size_numbers_that_were_not_asked_for(host):
    activate(host, "sd15")
    result, comments = comments_of(host, {"adm_positive": 1, "adm_negative": 1})
    assert comments == []
    assert "skipped" not in result.infotext


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_at_scale_1_only_the_size_is_rewritten_and_it_is_said(host, sampler):
    with probes.recording(host) as calls:
        result, comments = comments_of(host, STRONG, cfg_scale=1.0, sampler_name=sampler, steps=6)
    rewritten = [assert_sizes(host, call, STRONG) for call in calls]
    assert any(rewritten)
    assert all(torch.equal(call.out, call.new_out) for call in calls)
    assert len(comments) == 1
    assert "Fooocus skipped" in result.infotext


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_the_size_is_rewritten_never_or_always(host, end):
    settings = {**STRONG, "adm_end": end}
    calls = record(host, settings)
    # the last of these calls is at timestep 0, which is no noise at all
    assert {assert_sizes(host, call, settings) for call in calls[:-1]} == {bool(end)}


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 1.25, 3.0])
def test_sizes_are_those_that_the_host_encodes(host, scale):
    settings = {**STRONG, "adm_positive": scale, "adm_negative": 0.5}
    with probes.recording(host) as calls:
        host.generate(settings, width=192, height=128)
    claimed = host_vector(host, int(192 * scale), int(128 * scale))
    assert torch.equal(calls[0].new_cond["vector"][0, 1280:1792], claimed)


def test_what_the_sampler_gets_is_guided_at_the_damped_scale(host):
    """The edit of the rows must come out of the host's own combination as the definition's scale."""
    settings = {**STRONG, "sharpness": 0, "adaptive_cfg": 2.0}
    combined = []
    callbacks = host.modules.script_callbacks

    def after(params):
        combined.append(params.x.clone())

    callbacks.on_cfg_after_cfg(after)
    try:
        calls = record(host, settings, cfg_scale=9.0)
    finally:
        callbacks.remove_callbacks_for_function(after)
    for call, x in zip(calls, combined, strict=True):
        cond, uncond = call.out[:1].double(), call.out[1:].double()
        scale = references.adaptive_scale(9.0, 2.0, call.timestep)
        torch.testing.assert_close(
            x.double(), uncond + scale * (cond - uncond), rtol=1e-5, atol=1e-4
        )


@pytest.mark.parametrize("rendering", ["webui", "Fooocus"])
def test_the_webuis_own_refiner_does_not_let_adm_guidance_seem_skipped(host, rendering):
    """The base has been told its sizes when the refiner takes over; that is told the true one."""
    refiner = {"refiner_checkpoint": host.checkpoints.refiner, "refiner_switch_at": 0.5}
    result = host.generate({**STRONG, "rendering": rendering}, steps=4, **refiner)
    assert "Refiner: " in result.infotext
    assert "Fooocus skipped" not in result.infotext


def test_a_refiner_as_the_base_is_said_to_have_no_adm_guidance(host):
    activate(host, "refiner")
    result = host.generate(STRONG, steps=2)
    assert "ADM guidance: it needs an SDXL base model" in result.infotext


def test_the_random_state_is_left_alone(host):
    host.generate()
    plain = torch.get_rng_state()
    host.generate(STRONG)
    assert torch.equal(torch.get_rng_state(), plain)


def test_sharpness_acts_beside_controlnets_reference(host, picture):
    """Before each call of the model, "reference_only" of the Forge family makes one for itself."""
    scripts = host.runner_of("txt2img").alwayson_scripts
    if "controlnet" not in [script.title().lower() for script in scripts]:
        pytest.skip("this webui has no ControlNet built in")
    unit = {"enabled": True, "module": "reference_only", "model": "None", "image": picture}
    unit["weight"] = 2.0  # for less it leaves out the few channels of a small UNet

    def generate(**fooocus):
        arguments = {"enabled": True, "expansion": False, **OFF, **fooocus}
        result = host.generate(
            alwayson_scripts={"Fooocus": {"args": [arguments]}, "ControlNet": {"args": [unit]}}
        )
        return result.pictures[0]  # the reference comes after it

    plain = generate()
    assert (plain != host.generate(OFF).pictures[0]).any(), "the reference took no part"
    assert (plain != generate(sharpness=30)).any()

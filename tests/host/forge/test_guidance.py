"""The adapter for Forge, reForge and Classic on a stand-in of each, against arithmetic written out here."""

from __future__ import annotations

import copy
from types import FunctionType

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.core import adm, guidance
from fooocus_ext.generation import state
from tests.host.forge.engine_stand_in import CLASSIC, REFORGE, WITH_BACKEND, Model
from tests.host.forge.webui_stand_in import SIGMAS

NEUTRAL = Settings(
    enabled=True, sharpness=0.0, adm_positive=1.0, adm_negative=1.0, adaptive_cfg=30.0
)
EARLY, LATE = 950, 200


def conditioning(rows, seed, vector=2816):
    generator = torch.Generator().manual_seed(seed)
    return {
        "crossattn": torch.randn(rows, 77, 8, generator=generator),
        "vector": torch.randn(rows, vector, generator=generator),
    }


def step(timestep=LATE, rows=1, weights=(1.0,), vector=2816):
    """Return what one step of a sampler hands to the denoiser, at a whole timestep."""
    x = torch.randn(rows, 4, 8, 8, generator=torch.Generator().manual_seed(timestep))
    cond = conditioning(rows * len(weights), seed=1, vector=vector)
    return x, SIGMAS[timestep], cond, conditioning(rows, seed=2, vector=vector), weights


def run(webui, settings, *steps, cond_scale=7.0, denoiser=None, **request):
    """Return the generation and the pictures of a pass, the steps' conditioning unharmed."""
    p, generation = webui.request(settings, **request)
    given = [copy.deepcopy(each) for each in steps]
    return generation, webui.sample(p, given, cond_scale, **(denoiser or {}))


def off(webui, *steps, **others):
    return run(webui, NEUTRAL, *steps, **others)[1]


def predictions(webui, given):
    """Return the stand-in's cond and uncond for a step, of each part apart."""
    x, sigma, cond, uncond, weights = given
    network = webui.base.forge_objects_original.unet.model
    rows = len(x)

    def predict(c):
        return network.apply_model(x, sigma.expand(rows), c["crossattn"], c["vector"])

    parts = [
        predict({key: value[i * rows : (i + 1) * rows] for key, value in cond.items()})
        for i in range(len(weights))
    ]
    return parts, predict(uncond)


STEPS = [step(), step(rows=2), step(rows=2, weights=(1.0, 0.7)), step(EARLY)]


@pytest.mark.parametrize("given", STEPS)
def test_neutral_values_change_no_byte(webui, given):
    hooked = off(webui, step(), given)
    webui.callbacks.clear()
    webui.adapter("forge.family").HOST.prepare_pass = lambda *_: None
    assert all(map(torch.equal, hooked, off(webui, step(), given)))
    del webui.adapter("forge.family").HOST.prepare_pass


@pytest.mark.parametrize("given", STEPS)
def test_a_high_scale_is_let_in_as_on_a1111(webui, given):
    """A1111 moves each part's prediction; the engine is asked for another scale: the same picture."""
    timestep = EARLY if given[1] == SIGMAS[EARLY] else LATE
    _, [_, guided] = run(webui, NEUTRAL.replace(adaptive_cfg=3.0), step(), given, cond_scale=12.0)
    parts, uncond = predictions(webui, given)
    effective = 3.0 + 9.0 * (1 - timestep / 999)
    expected = uncond + sum(
        (part - uncond) * effective * weight for part, weight in zip(parts, given[4], strict=True)
    )
    torch.testing.assert_close(guided, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("given", [step(), step(rows=2)])
def test_sharpness_is_a1111s_for_one_prompt(webui, given):
    settings = NEUTRAL.replace(sharpness=20.0, adaptive_cfg=3.0)
    _, [_, guided] = run(webui, settings, step(), given, cond_scale=12.0)
    [cond], uncond = predictions(webui, given)
    a1111 = guidance.guide(
        given[0], cond, uncond, progress=1 - LATE / 999, cfg_scale=12.0, settings=settings
    )
    torch.testing.assert_close(guided, uncond + (a1111 - uncond) * 12.0, rtol=1e-4, atol=1e-4)


def test_of_several_parts_their_weighted_mean_is_sharpened(webui):
    given = step(rows=2, weights=(1.0, 0.5))
    _, [_, guided] = run(webui, NEUTRAL.replace(sharpness=20.0), step(), given)
    parts, uncond = predictions(webui, given)
    mean = (parts[0] + 0.5 * parts[1]) / 1.5
    sharp = guidance.sharpen(given[0], mean, sharpness=20.0, progress=1 - LATE / 999)
    torch.testing.assert_close(guided, uncond + (sharp - uncond) * 7.0 * 1.5, rtol=1e-4, atol=1e-4)


def test_the_sizes_that_the_model_is_told_are_those_of_the_definition(webui):
    settings = NEUTRAL.replace(adm_positive=1.5, adm_negative=0.8, adm_end=0.5)
    generation, _ = run(webui, settings, step(LATE), step(EARLY))
    late, early = webui.base.forge_objects.unet.model.calls[-2:]
    untouched = torch.cat([step()[3]["vector"], step()[2]["vector"]])
    rows = slice(1, 2) if webui.family == CLASSIC else slice(0, 2)  # its first call is cond alone
    assert torch.equal(late.y, untouched[rows])
    for row, scale in enumerate((0.8, 1.5)):  # the negative prompt's row is first
        expected = adm.scale_original_size(
            untouched[row : row + 1], 128, 256, scale,
            number_dtype=torch.float32 if webui.family in WITH_BACKEND else torch.float16,
        )  # fmt: skip
        assert torch.equal(early.y[row : row + 1], expected)
    assert generation.skipped == {}


def test_a_hires_pass_is_told_its_own_size(webui):
    settings = NEUTRAL.replace(adm_positive=1.5, adm_negative=1.0, adm_end=1.0)
    run(webui, settings, step(), step(EARLY), is_hr_pass=True, hr_cfg=5.0)
    [*_, call] = webui.base.forge_objects.unet.model.calls
    numbers = adm.size_embedding(torch.tensor([288, 288]), torch.float32)
    assert torch.equal(call.y[-1, 1280:1792], numbers.flatten())


def test_a_hires_pass_is_hooked_once_however_often_it_is_prepared(webui):
    run(webui, NEUTRAL, step(), is_hr_pass=True, hr_cfg=5.0)
    options = webui.base.forge_objects.unet.model_options
    assert len(options["conditioning_modifiers"]) == 1


def test_a_hires_pass_is_damped_at_its_own_scale(webui):
    _, [_, guided] = run(
        webui, NEUTRAL.replace(adaptive_cfg=3.0), step(), step(), cond_scale=7.0,
        is_hr_pass=True, hr_cfg=5.0,
    )  # fmt: skip
    scale = 7.0 if webui.family == CLASSIC else 5.0
    [cond], uncond = predictions(webui, step())
    effective = 3.0 + (scale - 3.0) * (1 - LATE / 999)
    torch.testing.assert_close(guided, uncond + (cond - uncond) * effective, rtol=1e-4, atol=1e-4)


def test_at_scale_1_sizes_still_act_and_the_rest_is_said_to_be_skipped(webui):
    settings = Settings(enabled=True, sharpness=20.0, adm_end=1.0)
    generation, guided = run(webui, settings, step(), step(), cond_scale=1.0)
    plain = off(webui, step(), step(), cond_scale=1.0)
    assert set(generation.skipped) == {"sharpness"}
    assert not torch.equal(guided[-1], plain[-1])
    webui.base.reset()
    quiet, sized = run(webui, settings.replace(sharpness=0.0), step(), step(), cond_scale=1.0)
    assert quiet.skipped == {}
    assert torch.equal(guided[-1], sized[-1])


def test_a_second_pass_at_scale_1_is_named_where_the_first_was_guided(webui):
    """Forge's API takes 1 for it by default."""
    settings = NEUTRAL.replace(sharpness=20.0)
    generation, _ = run(webui, settings, step(), cond_scale=7.0, is_hr_pass=True, hr_cfg=1.0)
    assert set(generation.skipped) == {"sharpness in the second pass"}


def test_a_call_without_the_negative_prompt_is_sharpened_and_not_said_to_be_skipped(webui):
    """Skip Early CFG, and Classic's very first call: scale 1 is a property of one call, not of the job."""
    settings = NEUTRAL.replace(sharpness=20.0, adaptive_cfg=3.0)
    early = {"skip_early_cond": 0.9}
    generation, [first] = run(webui, settings, step(), denoiser=early)
    [cond], _ = predictions(webui, step())
    sharp = guidance.sharpen(step()[0], cond, sharpness=20.0, progress=1 - LATE / 999)
    torch.testing.assert_close(first, sharp, rtol=1e-4, atol=1e-5)
    assert generation.skipped == {}


def test_hooks_are_plain_functions_and_survive_deep_copies(webui):
    run(webui, NEUTRAL, step())
    unet = webui.base.forge_objects.unet
    [ours] = unet.model_options["conditioning_modifiers"]
    assert isinstance(ours, FunctionType)
    assert ours.__closure__ is None
    assert unet.clone().clone().model_options["conditioning_modifiers"] == [ours]


def squeezed(args):  # as Dynamic Thresholding and RescaleCFG: it takes the combination's place
    noise = args["uncond"] + (args["cond"] - args["uncond"]) * args["cond_scale"]
    return noise.clamp(-2, 2)


@pytest.mark.parametrize("rows", [1, 2])
def test_beside_another_cfg_function_it_is_that_of_the_sharpened_prediction(webui, rows):
    given = step(rows=rows)
    webui.base.forge_objects_after_applying_lora.unet.set_model_sampler_cfg_function(squeezed)
    plain = off(webui, step(), given)
    [cond], uncond = predictions(webui, given)
    x = given[0]

    def combined(cond):
        return x - squeezed({"cond": x - cond, "uncond": x - uncond, "cond_scale": 7.0})

    torch.testing.assert_close(plain[-1], combined(cond), rtol=1e-5, atol=1e-5)
    sharpened = run(webui, NEUTRAL.replace(sharpness=20.0), step(), given)[1]
    expected = guidance.sharpen(x, cond, sharpness=20.0, progress=1 - LATE / 999)
    torch.testing.assert_close(sharpened[-1], combined(expected), rtol=1e-4, atol=1e-4)
    assert not torch.equal(sharpened[-1], plain[-1])


def test_a_samplers_own_post_cfg_functions_do_not_replace_sharpness(webui):
    """reForge's "Euler CFG++" and its like note what was predicted, in a list of their own."""
    noted = []

    def note(args):
        noted.append(args["denoised"])
        return args["denoised"]

    own = {"sampler_post_cfg_function": [note]} if webui.family == REFORGE else {}
    settings = NEUTRAL.replace(sharpness=20.0)
    _, [*_, guided] = run(webui, settings, step(), step(), denoiser={"sampler_options": own})
    [cond], uncond = predictions(webui, step())
    sharp = guidance.sharpen(step()[0], cond, sharpness=20.0, progress=1 - LATE / 999)
    torch.testing.assert_close(guided, uncond + (sharp - uncond) * 7.0, rtol=1e-4, atol=1e-4)
    assert not noted or torch.equal(noted[-1], guided)


def test_the_webuis_own_refiner_is_guided_too(webui):
    other = Model("refiner", SIGMAS)
    base, given = webui.base, step()
    settings = NEUTRAL.replace(sharpness=20.0, adaptive_cfg=3.0)
    *_, last = run(
        webui, settings, given, given, given, cond_scale=12.0,
        denoiser={"refiner": (1, other)}, refiner_checkpoint_info=other.sd_checkpoint_info,
    )[1]  # fmt: skip
    assert [len(model.forge_objects.unet.model.calls) for model in (base, other)] == [1, 2]
    [cond], uncond = predictions(webui, given)
    a1111 = guidance.guide(
        given[0], cond, uncond, progress=1 - LATE / 999, cfg_scale=12.0, settings=settings
    )
    torch.testing.assert_close(last, uncond + (a1111 - uncond) * 12.0, rtol=1e-4, atol=1e-4)
    assert len(other.forge_objects.unet.model_options["conditioning_modifiers"]) == 1
    assert "conditioning_modifiers" not in other.forge_objects_original.unet.model_options


@pytest.mark.parametrize("place", ["before ours", "after ours"])
def test_a_call_that_a_modifier_makes_for_itself_changes_nothing(webui, place, monkeypatch):
    """ControlNet's "reference_only" records a style in it, and throws the prediction away."""
    made = []

    def reference_only(model, x, sigma, uncond, cond, scale, options, seed):
        predict = webui.denoiser.sampling_function
        made.append(predict(model, x + 1, sigma, uncond, cond, 1, options))
        return model, x, sigma, uncond, cond, scale, options, seed

    def hook(unet):
        unet.add_conditioning_modifier(reference_only)

    settings = NEUTRAL.replace(sharpness=20.0, adaptive_cfg=3.0)
    plain = run(webui, settings, step(), step())[1]
    if place == "before ours":
        hook(webui.base.forge_objects_after_applying_lora.unet)
    else:
        host = webui.adapter("forge.family").HOST
        prepare_pass = host.prepare_pass

        def prepare_and_hook(p, generation):
            prepare_pass(p, generation)
            hook(webui.base.forge_objects.unet)

        monkeypatch.setattr(host, "prepare_pass", prepare_and_hook, raising=False)
    assert all(map(torch.equal, run(webui, settings, step(), step())[1], plain))
    assert len(made) == 2


def test_other_samplings_with_our_unet_change_nothing(webui):
    """The hooks stay in the UNet until the host's next reset; another extension may sample with it."""
    run(webui, Settings(enabled=True, sharpness=30.0, adaptive_cfg=1.0), step())
    given = step()
    p, _ = webui.request(Settings())
    state.detach(p)
    webui.denoiser.p = p
    guided = webui.denoiser.forward(*copy.deepcopy(given))
    [cond], uncond = predictions(webui, given)
    torch.testing.assert_close(guided, uncond + (cond - uncond) * 7.0)


@pytest.mark.parametrize("kind", ["const", "flux", "flow", "edm", "unknown"])
def test_models_that_predict_something_else_are_left_alone_and_said(webui, kind):
    network = webui.base.forge_objects_original.unet.model
    network.predictor.prediction_type = kind
    network.model_type.name = kind.upper()
    settings = Settings(enabled=True, sharpness=30.0)
    generation, guided = run(webui, settings, step(), step())
    assert kind in generation.skipped["guidance"]
    assert "conditioning_modifiers" not in webui.base.forge_objects.unet.model_options
    [cond], uncond = predictions(webui, step())
    torch.testing.assert_close(guided[-1], uncond + (cond - uncond) * 7.0)


def test_models_without_sizes_are_guided_and_the_sizes_said_to_be_skipped(webui):
    given = step(vector=1280 + 16)
    settings = Settings(enabled=True, sharpness=20.0)
    generation, guided = run(webui, settings, given, given)
    assert set(generation.skipped) == {"ADM guidance"}
    assert not torch.equal(guided[-1], off(webui, given, given)[-1])


def test_an_error_of_ours_ends_the_sampling_although_the_webui_guards_callbacks(webui, monkeypatch):
    monkeypatch.setattr(adm, "scale_original_size", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(webui, Settings(enabled=True), step(EARLY))
    assert webui.adapter("sampling").samplings.current() is None


@pytest.mark.parametrize("timestep", [0, 1, 200, 998, 999])
def test_a_timestep_is_found_by_its_noise_level(webui, timestep):
    engine = webui.adapter("forge.engine")
    assert engine.nearest_timestep(SIGMAS, SIGMAS[timestep]) == timestep


def test_between_timesteps_the_nearer_log_of_the_level_counts(webui):
    """As the engines have it, whose models are told whole timesteps."""
    nearest = webui.adapter("forge.engine").nearest_timestep
    low, high = SIGMAS[400].log(), SIGMAS[401].log()
    for share, timestep in ((0.25, 400), (0.45, 400), (0.55, 401), (0.75, 401)):
        assert nearest(SIGMAS, (low + share * (high - low)).exp()) == timestep
    assert nearest(SIGMAS, torch.tensor(0.0)) == 0
    assert nearest(SIGMAS, torch.tensor(1e9)) == 999

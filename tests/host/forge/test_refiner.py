"""A refiner on the Forge family: told to the memory manager, never moved, and gone without a trace."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.errors import RequestError
from tests.host.forge.engine_stand_in import REFORGE, WITH_BACKEND, Model
from tests.host.forge.test_guidance import EARLY, LATE, step
from tests.host.forge.webui_stand_in import BASE_MARK, REFINER_MARK, SIGMAS
from tests.strict_device import StrictDevice

NEUTRAL = Settings(
    enabled=True, sharpness=0.0, adm_positive=1.0, adm_negative=1.0, adaptive_cfg=30.0,
    refiner="other", refiner_switch=0.5,
)  # fmt: skip


@pytest.fixture
def other(webui):
    """The CheckpointInfo of another checkpoint, which the webui finds by any name but the base's."""

    def named(mark):
        info = webui.checkpoint(mark)
        info.names = ["model.diffusion_model.x", mark]
        base = webui.base.sd_checkpoint_info
        webui.modules["modules.sd_models"].get_closet_checkpoint_match = lambda name: (
            base if name == base.title else info
        )
        return info

    named(REFINER_MARK)
    for unet in (webui.base.forge_objects_original.unet,):
        unet.model.diffusion_model = SimpleNamespace(in_channels=4)
    return named


def begin(webui, settings=NEUTRAL, **request):
    p, generation = webui.request(settings, refiner_checkpoint_info=None, **request)
    generation.refiner = webui.adapter("forge.family").HOST.refiner(p, generation)
    return p, generation


def resident(webui):
    return webui.adapter("refiner.resident").RESIDENCE


def test_it_takes_its_turn_and_the_base_is_back(webui, other):
    p, generation = begin(webui)
    webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.told == [
        ("encode", "other"),
        ("cleanup", "base"),
        ("prepare", "other"),
        ("cleanup", "other"),
    ]
    assert webui.model_data.sd_model is webui.base
    assert webui.denoiser.inner_model.inner_model is webui.base
    assert (p.c, p.cached_c) == ("base's", ["base's", None])
    assert generation.skipped == {}
    assert p.extra_generation_params == {
        "Fooocus refiner": "other",
        "Fooocus refiner switch": "0.5",
    }


def test_it_samples_with_its_own_conditioning_and_our_hooks(webui, other):
    p, _ = begin(webui, NEUTRAL.replace(sharpness=20.0))
    webui.sample(p, [step(EARLY), step(LATE)])
    model = resident(webui)._model.second.model
    [call] = model.forge_objects.unet.model.calls
    assert call.y.shape == (2, 2560)
    assert "conditioning_modifiers" in model.forge_objects.unet.model_options
    assert "conditioning_modifiers" not in model.forge_objects_original.unet.model_options


def test_it_stays_in_memory_for_the_next_job_and_is_forgotten_when_released(webui, other):
    for _ in range(2):
        p, _ = begin(webui)
        webui.sample(p, [step(EARLY), step(LATE)])
    model = resident(webui)._model.second.model
    assert [told for told in webui.told if told[0] == "encode"] == [("encode", "other")] * 2
    assert any(model.forge_objects.unet.is_clone(entry.model) for entry in webui.loaded)
    base = SimpleNamespace(model=webui.base.forge_objects.unet)
    dead = SimpleNamespace(model=None)  # reForge keeps entries of models that are gone
    webui.loaded += [base, dead]
    live = webui.loaded
    assert resident(webui).release() == "other"
    assert live == [base, dead]
    assert resident(webui).title() is None


def test_it_is_loaded_again_where_weights_are_stored_in_other_numbers(webui, other):
    """Forge's "Diffusion in Low Bits"; the webui loads the base again, and its file is the same."""
    if webui.family not in WITH_BACKEND:
        pytest.skip("no other has that option")
    begin(webui)
    residence = resident(webui)
    first = residence._model
    begin(webui)
    assert residence._model is first
    webui.loading_options["forge_unet_storage_dtype"] = torch.float8_e4m3fn
    begin(webui)
    assert residence._model is not first
    webui.loading_options["forge_unet_storage_dtype"] = None
    residence.release_unless_for(webui.base)
    assert residence.title() is None


def test_the_base_samples_on_if_the_refiners_turn_ends_before_the_last_step(webui, other):
    """Samplers that go back to higher noise do so under the "timestep" rule."""
    options = webui.modules["fooocus_ext.host.machine.options"]
    options.refiner_switch_rule = lambda: "timestep"
    p, _ = begin(webui)
    webui.sample(p, [step(EARLY), step(LATE), step(EARLY)])
    assert webui.told[2:] == [("prepare", "other"), ("cleanup", "other"), ("prepare", "base")]


@pytest.mark.parametrize("interrupts", [False, True])
def test_a_sampling_that_ends_early_leaves_the_base(webui, other, interrupts):
    p, generation = begin(webui)
    failing = (*step(LATE)[:4], ("no weight",))
    if interrupts:
        webui.modules["modules.shared"].state.interrupted = True
    with pytest.raises(TypeError):
        webui.sample(p, [step(EARLY), failing])
    assert webui.told[-1] == ("cleanup", "other")
    assert webui.model_data.sd_model is webui.base
    assert webui.denoiser.inner_model.inner_model is webui.base
    assert generation.skipped == {}


def test_a_sampler_of_timesteps_finds_the_refiners_levels_on_its_device(webui, other):
    """It moves the table of the model with which it begins, and no other."""
    p, _ = begin(webui)

    def on_device(timestep):
        x, _, *conditioning, weights = step(timestep)
        cond, uncond = ({k: v.to("cuda") for k, v in c.items()} for c in conditioning)
        return x.to("cuda"), torch.tensor(timestep, device="cuda"), cond, uncond, weights

    with StrictDevice().active():
        webui.device = "cuda"
        steps = [on_device(timestep) for timestep in (EARLY, EARLY, LATE, LATE)]
        assert len(webui.sample(p, steps, takes_timesteps=True)) == len(steps)


def test_clip_skip_that_changes_from_step_to_step_is_each_models_own(webui, other):
    """reForge's sampler takes the texts of a step from ``p``, where encoding has put them."""
    if webui.family != REFORGE:
        pytest.skip("no other has that option")
    p, _ = begin(webui)
    webui.clip_skips = [4, 3, 2]
    webui.modules["modules.processing"].StableDiffusionProcessing.setup_conds(p)
    of_the_base = dict(p.dynamic_clip_skip_sets)
    webui.sample(p, [step(EARLY), step(EARLY), step(LATE), step(LATE)])
    assert p.dynamic_clip_skip_sets == of_the_base
    assert webui.heard == [("other 2", 2), ("other 2", 2), ("other 2", 3), ("other 2", 3)]


@pytest.mark.parametrize("checkpoint", ["base", "hires"])
def test_a_model_that_is_loaded_for_the_second_pass_takes_the_bases_place(webui, other, checkpoint):
    """Each of the family loads the checkpoint of a hires pass, and Forge also the base with other modules."""
    webui.modules["modules.shared"].opts.hires_fix_refiner_pass = "both passes"
    name = "Use same checkpoint" if checkpoint == "base" else checkpoint
    p, generation = begin(webui, enable_hr=True, hr_cfg=5.0, hr_checkpoint_name=name)
    old, new = weakref.ref(webui.base), Model(checkpoint, SIGMAS)
    new.name = "new"
    new.forge_objects_original.unet.model.name = "new"
    steps = [step(EARLY), step(LATE)]
    webui.sample(p, steps, second_pass=steps, loaded_between=new)
    turn = [("cleanup", "new"), ("prepare", "other"), ("cleanup", "other")]
    assert [told for told in webui.told if told[0] != "encode"] == [
        ("cleanup", "base"),
        *turn[1:],
        *(turn if checkpoint == "base" else ()),
    ]
    assert webui.denoiser.inner_model.inner_model is new
    gc.collect()
    assert generation.refiner is not None
    assert old() is None, "the refiner keeps the first pass's model in memory"


@pytest.mark.parametrize("name", [None, "", "Use same checkpoint", "base"])
def test_a_second_pass_with_the_bases_checkpoint_is_refined(webui, other, name):
    webui.modules["modules.shared"].opts.hires_fix_refiner_pass = "second pass"
    p, generation = begin(webui, enable_hr=True, hr_cfg=5.0, hr_checkpoint_name=name)
    steps = [step(EARLY), step(LATE)]
    webui.sample(p, steps, second_pass=steps)
    assert ("prepare", "other") in webui.told
    assert generation.skipped == {}


def test_a_picture_that_hires_fix_is_given_has_no_first_pass_to_refine(webui, other):
    """The gallery's button: the picture is finished, and only the second pass is sampled."""
    options = webui.modules["modules.shared"].opts
    request = {"enable_hr": True, "firstpass_image": "a picture"}
    options.hires_fix_refiner_pass = "first pass"
    p, generation = begin(webui, **request)
    assert generation.refiner is None
    assert "first pass" in generation.skipped["refiner"]
    assert p.extra_generation_params == {}
    options.hires_fix_refiner_pass = "both passes"
    p, generation = begin(webui, **request, is_hr_pass=True, hr_cfg=5.0)
    webui.sample(p, [step(EARLY), step(LATE)])
    assert [told for told in webui.told if told[0] == "encode"] == [("encode", "other")]
    assert generation.skipped == {}


def test_a_memory_manager_that_fails_leaves_the_base(webui, other, monkeypatch):
    p, _ = begin(webui)

    def no_memory(unet):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(webui, "_prepare", no_memory)
    with pytest.raises(RuntimeError, match="out of memory"):
        webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.model_data.sd_model is webui.base
    assert webui.denoiser.inner_model.inner_model is webui.base


def test_loading_changes_no_global(webui, other):
    begin(webui)
    assert webui.model_data.sd_model is webui.base
    assert set(vars(webui.text_encoder).values()) == {"the base's"}
    assert webui.loaded == []
    model = resident(webui)._model.second.model
    for name in ("forge_objects", "forge_objects_original", "forge_objects_after_applying_lora"):
        assert getattr(model, name).vae is None


def test_loras_are_not_put_on_an_sdxl_refiner(webui, other):
    p, _ = begin(webui)
    webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.activated == []


def test_loras_are_put_on_a_refiner_that_is_an_sdxl_model(webui, other):
    other(BASE_MARK)
    p, _ = begin(webui)
    webui.sample(p, [step(EARLY), step(LATE)])
    assert set(map(str, webui.activated)) == {str(("other", p.extra_network_data))}


def test_the_loras_of_a_hires_pass_are_on_it_for_that_pass_alone(webui, other):
    other(BASE_MARK)
    p, _ = begin(webui, enable_hr=True)
    webui.modules["modules.shared"].opts.hires_fix_refiner_pass = "second pass"
    webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.activated == [("other", {"lora": ["another"]}), ("other", {"lora": ["one"]})]
    webui.activated.clear()
    p.is_hr_pass = True
    webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.activated[-1] == ("other", {"lora": ["another"]})


def test_no_loras_are_put_on_it_where_the_request_disables_them(webui, other):
    other(BASE_MARK)
    p, _ = begin(webui, disable_extra_networks=True)
    webui.sample(p, [step(EARLY), step(LATE)])
    assert webui.activated == []


def test_at_scale_1_forge_has_no_negative_conditioning_to_replace(webui, other):
    if webui.family in WITH_BACKEND:
        webui.modules["modules.processing"].StableDiffusionProcessing.setup_conds = lambda p: (
            setattr(p, "c", "other"),
            setattr(p, "uc", None),
        )
    p, generation = begin(webui)
    webui.sample(p, [step(EARLY), step(LATE)], cond_scale=1.0)
    [call] = resident(webui)._model.second.model.forge_objects.unet.model.calls
    assert call.rows == 1
    assert "refiner" not in generation.skipped


def test_a_model_of_another_kind_is_refused_with_what_is_allowed(webui, other):
    other("cond_stage_model.model.ln_final.weight")
    with pytest.raises(RequestError, match="SD2 model, but the base model"):
        begin(webui)


def test_a_model_that_the_loader_does_not_know_is_refused(webui, other, monkeypatch):
    if webui.family not in WITH_BACKEND:
        pytest.skip("the others raise an error of their own")
    webui.modules["backend.loader"].forge_loader = lambda *_, **__: None
    with pytest.raises(RequestError, match="does not know the kind of model"):
        begin(webui)


def test_a_checkpoint_that_is_no_safetensors_is_read_as_the_host_reads_it(webui, other):
    info = other(REFINER_MARK)
    info.filename = info.filename.replace(".safetensors", ".ckpt")
    info.names = [f"read from {info.filename}"]
    assert list(webui.adapter("forge.engine").engine().read(info)) == info.names


def test_an_error_while_loading_leaves_the_globals(webui, other):
    webui.load_error = RuntimeError("broken file")
    with pytest.raises(RuntimeError, match="broken file"):
        begin(webui)
    assert resident(webui).title() is None
    assert not resident(webui).is_loading
    assert set(vars(webui.text_encoder).values()) == {"the base's"}


class Text(dict):
    """SDXL's states and vector of a text, as the webui's: it has the shape of the states."""

    @property
    def shape(self):
        return self["crossattn"].shape


def text(tokens):
    return Text(crossattn=torch.ones(1, tokens, 2048), vector=torch.ones(1, 2816))


class Padding:
    """A denoiser that pads (reForge 3b56b26), after it has asked callbacks."""

    def __init__(self, active):
        self.active = active

    def forward(self, cond, uncond):
        return self.pad_cond_uncond(cond, uncond)

    def pad_cond_uncond(self, cond, uncond):
        filler = self.active().cond_stage_model_empty_prompt
        uncond["crossattn"] = torch.cat([uncond["crossattn"], filler], dim=1)
        return cond, uncond


class NotPadding(Padding):
    """A denoiser that has the function and never calls it (Forge dfdcbab)."""

    def forward(self, cond, uncond):
        return cond, uncond


@pytest.mark.parametrize("denoiser", [Padding, NotPadding])
@pytest.mark.parametrize("asked", [True, False])
def test_its_texts_are_padded_where_the_webui_pads(webui, other, denoiser, asked):
    """With its own empty prompt, which it is given where the base has one."""
    webui.base.cond_stage_model_empty_prompt = torch.zeros(1, 77, 4)
    filler = torch.full((1, 77, 2048), 5.0)
    webui.modules["modules.sd_models"].get_empty_cond = lambda model: filler
    webui.modules["modules.shared"].opts.pad_cond_uncond = asked
    begin(webui)
    second = resident(webui)._model.second
    params = SimpleNamespace(
        text_cond=text(154),
        text_uncond=text(77),
        denoiser=denoiser(lambda: webui.model_data.sd_model),
    )
    second.pad(params, None)
    pads = asked and denoiser is Padding
    assert params.text_uncond.shape[1] == (154 if pads else 77)
    assert not pads or (params.text_uncond["crossattn"][:, 77:] == filler).all()
    assert params.text_cond.shape[1] == 154
    assert webui.model_data.sd_model is webui.base


def test_texts_of_one_length_or_alone_are_not_padded(webui, other):
    webui.modules["modules.shared"].opts.pad_cond_uncond = True
    begin(webui)
    for uncond in (None, text(77)):
        params = SimpleNamespace(text_cond=text(77), text_uncond=uncond, denoiser=Padding(None))
        resident(webui)._model.second.pad(params, None)
        assert params.text_uncond is uncond

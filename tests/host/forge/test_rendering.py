"""Fooocus's rendering on a stand-in of each webui: its texts through their encoders, its noise levels."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.core import noise_levels
from tests.host.forge.test_guidance import step
from tests.host.forge.text_stand_in import END, LAYERS, PAD_G, START, WIDTHS, TextModel
from tests.host.forge.webui_stand_in import ABAR, SIGMAS

CHUNK = 77
FOX = [ord(letter) for letter in "fox"]


class Embeddings:
    """The host's database with one embedding, named "*"."""

    def __init__(self):
        self.ids_lookup = {ord("*"): ["there is one"]}
        self.fixes = None

    def find_embedding_at_position(self, tokens, offset):
        if tokens[offset] != ord("*"):
            return None, None
        return SimpleNamespace(name="*", vec=torch.full((1, 1), 90.0), vectors=1), 1


@pytest.fixture
def model(webui):
    return TextModel(webui.family, Embeddings())


def states_before_the_last_layer(tokens, kind):
    pad = END if kind == "l" else PAD_G
    numbers = torch.tensor([START, *tokens, END] + [pad] * (CHUNK - len(tokens) - 2))
    return numbers.float()[:, None].repeat(1, WIDTHS[kind]) + LAYERS - 1


@pytest.mark.parametrize("text", ["fox", "f*x"])
def test_a_text_is_encoded_by_each_of_the_hosts_encoders(webui, model, text):
    encoder = webui.adapter("rendering.encoder")
    encoded = encoder.encode(model, text, is_plain=False)
    tokens = [90 if letter == "*" else ord(letter) for letter in text]
    for states, kind in zip(encoded.states, "lg", strict=True):
        torch.testing.assert_close(states, states_before_the_last_layer(tokens, kind))
    assert encoded.pooled.tolist() == [(START + LAYERS - 1) * 10] * WIDTHS["g"]


def test_what_the_model_hears_is_put_together_by_the_host(webui, model):
    encoder = webui.adapter("rendering.encoder")
    encoded = encoder.encode(model, "fox", is_plain=False)
    said = encoder.say(model, encoded, size=(256, 128), is_negative=True)
    wanted = torch.cat([states_before_the_last_layer(FOX, kind) for kind in "lg"], dim=1)
    torch.testing.assert_close(said["crossattn"], wanted)
    assert said["vector"].tolist() == [*encoded.pooled.tolist(), 128, 256]


def test_tokens_can_be_counted_while_texts_are_encoded(webui, model, monkeypatch):
    """The page asks the engines what was typed comes to, in another thread, whatever a job does to them."""
    encoder = webui.adapter("rendering.encoder")
    encoded = encoder.encode(model, "fox", is_plain=False)
    counted, learned = [], type(model).get_learned_conditioning

    def while_it_is_counted(self, texts):
        counted.extend(each.tokenize(["fox"]) for each in self._encoders())
        return learned(self, texts)

    monkeypatch.setattr(type(model), "get_learned_conditioning", while_it_is_counted)
    encoder.say(model, encoded, size=(256, 128), is_negative=True)
    assert counted == [[FOX], [FOX]]


def test_an_empty_negative_prompt_is_encoded(webui, model):
    encoder = webui.adapter("rendering.encoder")
    encoded = encoder.encode(model, "", is_plain=False)
    said = encoder.say(model, encoded, size=(256, 128), is_negative=True)
    assert said["crossattn"].all()


def test_a_refiner_hears_the_bases_last_encoder(webui, model):
    encoder = webui.adapter("rendering.encoder")
    refiner = TextModel(webui.family, Embeddings(), kinds="g")
    encoded = encoder.encode(model, "fox", is_plain=False)
    said = encoder.say(refiner, encoded, size=(256, 128), is_negative=False)
    torch.testing.assert_close(said["crossattn"], states_before_the_last_layer(FOX, "g"))


def test_the_hosts_encoders_are_its_own_again(webui, model):
    encoder = webui.adapter("rendering.encoder")
    before = [dict(vars(each)) for each in (model, *model._encoders())]
    encoder.encode(model, "fox", is_plain=False)
    after = [dict(vars(each)) for each in (model, *model._encoders())]
    assert after == before


def test_the_levels_are_those_that_the_model_knows(webui, model):
    """Forge's model has no alphas_cumprod; a table of another schedule is taken as it is."""
    schedules = webui.adapter("rendering.schedules")
    asked = schedules.Asked("Euler", "euler", "karras")
    model.forge_objects = webui.base.forge_objects
    kept = schedules.table_for(asked, model).levels
    torch.testing.assert_close(kept, SIGMAS, rtol=1e-4, atol=0)
    model.alphas_cumprod = ABAR
    torch.testing.assert_close(schedules.table_for(asked, model).levels, kept, rtol=1e-4, atol=0)


def test_a_wrapper_that_shows_its_models_levels_is_left_alone(webui, model):
    """Forge's (ForgeScheduleLinker) has them as properties."""

    class Linker:
        inner_model = model
        sigmas = property(lambda _self: SIGMAS)

    webui.adapter("rendering.schedules").use_fooocus_levels(SimpleNamespace(inner_model=Linker()))


def test_a_wrapper_with_levels_of_its_own_gets_fooocus_levels(webui, model):
    model.alphas_cumprod = ABAR
    wrap = SimpleNamespace(inner_model=model, sigmas=SIGMAS.clone(), log_sigmas=SIGMAS.log())
    webui.adapter("rendering.schedules").use_fooocus_levels(SimpleNamespace(inner_model=wrap))
    table = noise_levels.level_table(ABAR)
    assert torch.equal(wrap.sigmas, table.levels)
    assert torch.equal(wrap.log_sigmas, table.logs)


def test_clip_skip_does_not_change_from_step_to_step(webui):
    """reForge's option (3b56b26) takes texts that the webui has encoded, not Fooocus's."""
    webui.modules["modules.shared"].opts.dynamic_clip_skip_enabled = True
    p, _ = webui.request(Settings(), sampler_name="Euler", scheduler="Karras", steps=2)
    host = webui.adapter("forge.family").HOST
    options = host.job_options(p, Settings(enabled=True, rendering="Fooocus"))
    assert options["dynamic_clip_skip_enabled"] is False


def test_every_step_is_guided_also_the_first(webui):
    """Classic takes the option's 0 for "leave out the negative prompt of step 0"."""
    host = webui.adapter("forge.family").HOST
    p, generation = webui.request(Settings(), sampler_name="Euler", scheduler="Karras", steps=2)
    options = host.job_options(p, Settings(enabled=True, rendering="Fooocus"))
    webui.modules["modules.shared"].opts.__dict__.update(options)
    skip = options["skip_early_cond"]
    _, wanted = webui.sample(p, [step(), step()], skip_early_cond=0.0)
    _, found = webui.sample(p, [step(), step()], skip_early_cond=skip)
    assert torch.equal(found, wanted)
    first = webui.sample(p, [step()], skip_early_cond=skip)[0]
    assert torch.equal(first, wanted), "the same step, whether it is the first or the second"
    assert generation.skipped == {}
    assert host.job_options(p, Settings(enabled=True)) == {}

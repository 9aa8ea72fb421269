"""The story of a generation, with the host's objects replaced by the few attributes that it uses."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.core import guidance
from fooocus_ext.generation import hooks, state
from fooocus_ext.generation.plan import Plan
from fooocus_ext.generation.writer import Writer
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards


@dataclass
class Request:
    """The parts of the host's request that the pipeline reads and writes."""

    prompt: str = "a fox"
    negative_prompt: str = "blurry"
    steps: int = 20
    width: int = 512
    extra_generation_params: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def plan(**values):
    return SimpleNamespace(**{"request": {}, "fallbacks": {}, **values})


# --- the request ------------------------------------------------------------------------------------------


def test_the_plan_sets_only_what_the_request_has():
    p = Request()
    hooks.apply_to_request(p, plan(request={"steps": 8, "no_such_field": 1}))
    assert p.steps == 8
    assert not hasattr(p, "no_such_field")


def test_a_presets_prompt_stands_in_for_an_empty_one_only():
    typed, empty = Request(), Request(prompt="", negative_prompt="")
    for p in (typed, empty):
        hooks.apply_to_request(p, plan(fallbacks={"prompt": "preset", "negative_prompt": "bad"}))
    assert (typed.prompt, typed.negative_prompt) == ("a fox", "blurry")
    assert (empty.prompt, empty.negative_prompt) == ("preset", "bad")


@pytest.mark.parametrize(
    ("asked", "size"), [(None, (1152, 896)), ((512, 512), (1152, 896)), ((1024, 1024), (512, 512))]
)
def test_a_size_that_a_script_has_set_since_is_not_overruled(asked, size):
    p = Request()
    p.height = 512
    p.comment = p.comments.append
    if asked is not None:
        p.width, p.height = asked
        hooks.remember_size(p)
        p.width, p.height = 512, 512
    hooks.apply_to_request(p, plan(request={"width": 1152, "height": 896}))
    assert (p.width, p.height) == size
    assert bool(p.comments) is (size == (512, 512))


def test_infotext_entries_of_an_earlier_generation_are_forgotten_and_others_kept():
    p = Request(extra_generation_params={"Fooocus": "True", "Fooocus skipped": "x", "Hires": 1})
    hooks.forget_infotext(p)
    assert p.extra_generation_params == {"Hires": 1}


def test_the_hooks_of_a_copy_leave_the_originals_infotext_alone():
    original = Request(extra_generation_params={"Fooocus": "True", "Fooocus prompt": "a fox"})
    duplicate = copy.copy(original)
    hooks.forget_infotext(duplicate)
    assert duplicate.extra_generation_params == {}
    assert original.extra_generation_params == {"Fooocus": "True", "Fooocus prompt": "a fox"}


def test_a_generation_begins_on_any_host_that_keeps_the_protocol():
    """What ``hooks.begin`` asks of a host is what ``generation.host`` lists, and no more."""

    class AnyHost:
        infotext_varies = True
        attached = None

        def attach(self, p, generation):
            self.attached = (p, generation)

        def refiner(self, p, generation):
            return "a refiner"

        def rendering(self, p, generation):
            return "a rendering"

        def editing(self, p, generation):
            return SimpleNamespace(edit="an edit")

        def inpaint_engine(self, p, generation, edit):
            return f"an engine for {edit}"

    p = Request()
    p.all_prompts, p.all_negative_prompts, p.all_seeds = ["a fox"], ["blurry"], [1]
    p.comment = p.comments.append
    settings = Settings(enabled=True, expansion=False, sharpness=3.0)
    host = AnyHost()
    writer = Writer(StyleLibrary(), Wildcards([]), expand=None)
    hooks.begin(p, Plan(settings, settings, notes=["something gave way"]), writer, host)
    generation = state.generation_of(p)
    assert host.attached == (p, generation)
    assert (generation.refiner, generation.rendering) == ("a refiner", "a rendering")
    assert generation.inpaint_engine == "an engine for an edit"
    assert [encoding.prompt for encoding in generation.texts.first_pass] == ["a fox"]
    assert p.comments == ["Fooocus: something gave way"]
    assert p.extra_generation_params["Fooocus sharpness"] == "3"


class PlainHost:
    infotext_varies = True

    def attach(self, p, generation):
        pass

    refiner = rendering = editing = attach


def begun(seed, settings, prompt="a [[red, green, blue]] fox"):
    """Begin a job of three pictures, and return its request."""
    p = Request()
    p.seed = seed
    p.all_prompts, p.all_negative_prompts = [prompt] * 3, ["blurry"] * 3
    p.all_seeds = seed if isinstance(seed, list) else [seed + i for i in range(3)]
    p.comment = p.comments.append
    hooks.begin(
        p, Plan(settings, settings), Writer(StyleLibrary(), Wildcards([]), expand=None), PlainHost()
    )
    return p


def test_all_pictures_of_a_job_can_have_the_first_ones_seed():
    settings = Settings(enabled=True, expansion=False)
    assert begun(7, settings).all_seeds == [7, 8, 9]
    p = begun(7, settings.replace(same_seed=True))
    assert p.all_seeds == [7, 7, 7]
    assert p.all_prompts == ["a red fox", "a green fox", "a blue fox"]
    assert p.extra_generation_params["Fooocus same seed"] == "True"


def test_seeds_that_a_request_names_one_by_one_stay():
    p = begun([4, 9, 2], Settings(enabled=True, expansion=False, same_seed=True))
    assert p.all_seeds == [4, 9, 2]
    assert "names the seed of each" in state.generation_of(p).skipped["same seed"]


def test_where_there_is_no_fooocus_rendering_texts_and_refiner_are_the_webuis():
    plain = Settings(enabled=True, expansion=False)
    lines = " a fox,, red\n in snow"
    p = begun(7, plain.replace(rendering="Fooocus"), lines)
    assert state.generation_of(p).settings == plain
    assert p.all_prompts == begun(7, plain, lines).all_prompts
    assert p.extra_generation_params["Fooocus rendering"] == "Fooocus", "as it was asked for"


# --- a batch ----------------------------------------------------------------------------------------------


class Rendering:
    texts = "its texts"

    def __init__(self, told):
        self.told = told

    def prepare_batch(self, p):
        self.told.append("rendering")
        return {"conditioning": "Fooocus's"}

    def finish(self, p, samples):
        self.told.append("finish")
        return f"decoded {samples}"


class Refiner:
    def __init__(self, told):
        self.told = told

    def prepare_batch(self, p, texts):
        self.told.append(("refiner", texts))

    def report(self, generation):
        self.told.append("report")


class Editing:
    def __init__(self, told):
        self.told = told

    def prepare_batch(self, p):
        self.told.append("editing")


def test_a_batch_is_rendered_first_and_edited_last():
    told = []
    generation = state.Generation(Settings())
    generation.rendering, generation.refiner = Rendering(told), Refiner(told)
    generation.editing = Editing(told)
    assert hooks.begin_batch("p", generation) == {"conditioning": "Fooocus's"}
    assert told == ["rendering", ("refiner", "its texts"), "editing"]
    assert hooks.end_batch("p", generation, "latents") == "decoded latents"
    assert told[3:] == ["report", "finish"]


def test_without_fooocus_rendering_a_batch_is_sampled_as_the_host_has_it():
    told = []
    generation = state.Generation(Settings())
    generation.refiner = Refiner(told)
    assert hooks.begin_batch("p", generation) == {}
    generation.cut_short = True
    assert hooks.end_batch("p", generation, "latents") == "latents"
    assert told == [("refiner", None)], "a sampling that was cut short reports nothing"


# --- a model call, for whatever family of webuis ----------------------------------------------------------


def rows(count, seed):
    return torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_a_call_without_unconditional_predictions_is_sharpened_and_not_damped():
    generation = state.Generation(Settings(sharpness=20.0, adaptive_cfg=1.0))
    x, cond = rows(2, 0), rows(2, 1)
    guided = hooks.guide(generation, x, cond, None, timestep=300.0, cfg_scale=12.0)
    expected = guidance.sharpen(x, cond, sharpness=20.0, progress=1 - 300 / 999)
    assert torch.equal(guided, expected)
    assert not torch.equal(guided, cond)


def test_scale_1_gives_the_predictions_back_themselves():
    generation = state.Generation(Settings(sharpness=20.0))
    cond = rows(1, 1)
    assert hooks.guide(generation, rows(1, 0), cond, cond, timestep=1.0, cfg_scale=1.0) is cond
    assert set(generation.skipped) == {"sharpness"}


@pytest.mark.parametrize("adaptive_cfg", [1.0, 30.0])
def test_at_scale_1_nothing_is_said_of_what_would_not_act_anyway(adaptive_cfg):
    """A fast performance sets sharpness to 0, and no adaptive CFG is below 1."""
    generation = state.Generation(Settings(sharpness=0.0, adaptive_cfg=adaptive_cfg))
    hooks.guide(generation, rows(1, 0), rows(1, 1), rows(1, 2), timestep=1.0, cfg_scale=1.0)
    assert generation.skipped == {}


def test_sizes_are_claimed_for_sdxl_base_alone():
    generation = state.Generation(Settings())
    how = {"timestep": 999.0, "size": (64, 128), "number_dtype": torch.float32, "refined": False}
    claimed = hooks.claim_sizes(generation, torch.zeros(2, 2816), torch.zeros(1, 2816), **how)
    assert [tuple(vector.shape) for vector in claimed] == [(2, 2816), (1, 2816)]
    assert generation.skipped == {}
    for vector in (None, torch.zeros(2, 2560)):
        assert hooks.claim_sizes(generation, vector, vector, **how) is None
    assert "ADM guidance" in generation.skipped

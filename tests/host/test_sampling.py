"""The samplings of ours that run: what ends with each, and how an error of ours leaves a callback."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest

from fooocus_ext.args import Settings
from fooocus_ext.generation import state


class Request:
    """The parts of A1111's processing object that a sampling touches."""

    def __init__(self):
        self.extra_generation_params = {}
        self.comments = []
        self.during = None

    def comment(self, text):
        self.comments.append(text)

    def sample(self):
        return self.during()


class Refiner:
    """Remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def prepare_batch(self, p, texts):
        self.asked.append("prepare_batch")

    def report(self, generation):
        self.asked.append("report")


@pytest.fixture
def host_state():
    return SimpleNamespace(interrupted=False, skipped=False)


@pytest.fixture
def sampling(load_host_module, host_state):
    return load_host_module("sampling", shared=SimpleNamespace(state=host_state))


@pytest.fixture
def running(sampling):
    """A request whose next sampling is followed, and its generation."""
    p = Request()
    generation = state.attach(p, Settings())
    sampling.follow_sampling(p, generation)
    return p, generation


def test_a_sampling_is_known_while_it_runs_and_undone_after_it(sampling, running):
    p, generation = running
    undone = []
    generation.sampling.callback(undone.append, "undone")
    p.during = lambda: (sampling.samplings.current().p is p, list(undone))
    assert p.sample() == (True, [])
    assert undone == ["undone"]
    assert sampling.samplings.current() is None


def test_only_one_sampling_is_followed_for_each_call(sampling, running):
    p, _generation = running
    p.during = sampling.samplings.current
    assert p.sample() is not None
    assert p.sample() is None


def test_another_script_may_hand_on_the_webuis_arguments_without_their_names(sampling):
    """CharacteristicGuidance does, if its folder comes after ours."""
    p = Request()
    generation = state.attach(p, Settings())
    own = {"conditioning": "ours", "unconditional_conditioning": "ours, too"}
    generation.rendering = SimpleNamespace(prepare_batch=lambda p: own, texts=None)
    generation.rendering.finish = lambda p, samples: samples
    p.sample = lambda conditioning, unconditional_conditioning, seeds, **others: (
        conditioning, unconditional_conditioning, seeds, others
    )  # fmt: skip
    sampling.follow_sampling(p, generation)
    assert p.sample("c", "uc", [5], [6], prompts=["a fox"], subseed_strength=0.5) == (
        "ours", "ours, too", [5],
        {"subseeds": [6], "subseed_strength": 0.5, "prompts": ["a fox"]},
    )  # fmt: skip


def test_an_override_that_another_script_keeps_in_a_wrapper_begins_no_batch(sampling, running):
    p, generation = running
    begun = []
    generation.refiner = SimpleNamespace(
        prepare_batch=lambda p, texts: begun.append(p), report=lambda generation: None
    )
    p.sample = functools.partial(p.sample)
    p.during = sampling.samplings.current
    assert p.sample().generation is generation
    sampling.follow_sampling(p, generation)
    assert p.sample().generation is generation
    assert begun == [p, p]
    state.detach(p)
    assert p.sample() is None


def test_an_error_of_ours_in_a_callback_ends_the_sampling_with_itself(sampling, running):
    p, _generation = running

    def callback_that_the_webui_guards():
        try:
            with sampling.ends_sampling_on_error():
                raise ZeroDivisionError("ours")
        except Exception:  # noqa: BLE001  (as the webui does)
            return "a picture without what was asked for"

    p.during = callback_that_the_webui_guards
    with pytest.raises(ZeroDivisionError, match="ours"):
        p.sample()
    assert sampling.samplings.current() is None


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ({}, ["prepare_batch", "report"]),
        ({"interrupted": True, "sampling_step": 8}, ["prepare_batch"]),
        ({"skipped": True, "sampling_step": 0}, ["prepare_batch"]),
        ({"interrupted": True, "sampling_step": 9}, ["prepare_batch", "report"]),
        ({"skipped": True, "sampling_steps": 0}, ["prepare_batch"]),
    ],
)
def test_a_refiner_reports_on_samplings_that_came_to_their_end(host_state, running, flags, asked):
    p, generation = running
    vars(host_state).update({"sampling_steps": 10, "sampling_step": 9, **flags})
    generation.refiner = Refiner()
    p.during = lambda: "samples"
    assert p.sample() == "samples"
    assert generation.refiner.asked == asked
    assert generation.cut_short == (len(asked) == 1)


def test_a_model_call_is_taken_once(sampling):
    current = sampling.Sampling(p=None, generation=None, call="call")
    assert (current.take_call(), current.take_call()) == ("call", None)

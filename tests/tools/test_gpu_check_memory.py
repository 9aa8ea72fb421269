"""The GPU check's part "memory": what it sees of the placement of base and refiner, and judges."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch

import embedded_webui
from tests.strict_device import StrictDevice, is_on_device
from tools.gpu import memory, networks, report, running

SETTING = running.Setting("cpu", True, "")
SMALL = memory.Sizes(
    networks.SMALL_UNET, networks.SMALL_UNET, (networks.SMALL_CLIP,), 8, torch.float32
)
FREE = {"4 GiB": 0, "8 GiB": 0, "16 GiB": 2**40}


@pytest.fixture
def card(monkeypatch):
    """A device that refuses to mix memories, and the webui on it."""
    embedded_webui.put_webui_on_path()
    from modules import devices

    monkeypatch.setattr(devices, "device", torch.device("cuda"))
    monkeypatch.setattr(devices, "torch_gc", lambda: None)
    for name in ("reset_peak_memory_stats", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda: 0)
    with StrictDevice().active() as strict:
        yield strict


@pytest.fixture
def placements(card):
    """What each limit gives with small networks."""
    return {name: placed(name) for name in FREE}


def placed(limit, device="cuda", sizes=SMALL):
    with memory.free_memory(lambda: FREE[limit]):
        return memory.take_turns(device, sizes, lowvram=limit == "4 GiB")


def test_each_limit_has_its_policy_and_all_compute_the_same(placements):
    assert {name: placed.policy for name, placed in placements.items()} == memory.POLICIES
    figures = memory.judge(placements, SETTING)
    assert {figure.status for figure in figures} == {report.PASSED}
    assert len(figures) == 9
    compared = [figure.name for figure in figures if "difference from" in figure.name]
    assert compared == [
        f"{name}: difference from 16 GiB, relative" for name in ("4 GiB", "8 GiB")
    ], "not the largest limit with itself, which cannot differ"


def test_what_one_limit_alone_computed_is_compared_with_nothing(placements):
    """On a card of less than 8 GiB."""
    alone = {**placements, "8 GiB": None, "16 GiB": None}
    figures = {figure.name: figure for figure in memory.judge(alone, SETTING)}
    compared = figures["4 GiB: difference from another limit"]
    assert (compared.status, compared.note) == (report.NOT_RUN, "there is no other limit")
    assert [name for name, each in figures.items() if each.status == report.PASSED] == [
        "4 GiB: peak memory",
        "4 GiB: policies other than: move their own blocks",
        "4 GiB: predictions that are no numbers",
    ]
    policy, peak, (base, refined) = placements["4 GiB"]
    wrong = memory.Placed(policy, peak, (base, refined * float("nan")))
    figures = memory.judge({**alone, "4 GiB": wrong}, SETTING)
    failed = [figure.name for figure in figures if figure.status == report.FAILED]
    assert failed == ["4 GiB: predictions that are no numbers"]


@pytest.mark.parametrize(("limit", "calls"), [("4 GiB", 1), ("8 GiB", 2), ("16 GiB", 2)])
def test_texts_are_encoded_on_the_device_and_blocks_that_move_are_called_once(
    card, monkeypatch, limit, calls
):
    """As the webui encodes; all blocks of a model travel in each call under --lowvram."""
    encoded, predicted = [], []
    forward, predict = networks.CLIPTextModel.forward, memory.Model.predict

    def encode(model, tokens):
        encoded.append(is_on_device(tokens) and all(map(is_on_device, model.parameters())))
        return forward(model, tokens)

    def call(model, inputs):
        predicted.append(len(model.conditioner))
        return predict(model, inputs)

    monkeypatch.setattr(networks.CLIPTextModel, "forward", encode)
    monkeypatch.setattr(memory.Model, "predict", call)
    placed(limit, sizes=dataclasses.replace(SMALL, encoders=SMALL.encoders * 2))
    assert encoded == [True]
    base, refiner = 2, 1  # text encoders
    once_more = [] if limit == "4 GiB" else [base]
    assert predicted == [base] * calls + [refiner] * calls + once_more


def test_a_base_that_made_way_for_a_text_alone_has_not_changed_places(monkeypatch):
    embedded_webui.put_webui_on_path()
    from fooocus_ext.host.a1111.weights import WeightPlacement

    monkeypatch.setattr(WeightPlacement, "refiner_on_device", lambda *_: None)
    assert placed("8 GiB", "cpu").policy == memory.STAY


def test_a_limit_beyond_the_card_is_not_run(placements):
    figures = memory.judge({**placements, "16 GiB": None}, SETTING)
    assert [figure.status for figure in figures] == [report.PASSED] * 6 + [report.NOT_RUN]


def test_a_limit_that_is_too_little_fails_alone(placements):
    figures = memory.judge({**placements, "8 GiB": memory.TOO_LITTLE}, SETTING)
    failed = [figure.name for figure in figures if figure.status == report.FAILED]
    assert failed == ["8 GiB: peak memory"]
    assert len(figures) == 7


def test_running_out_of_memory_is_told_from_other_errors(monkeypatch):
    def run_out(*_args, **_kwargs):
        raise torch.cuda.OutOfMemoryError

    card = SimpleNamespace(total_memory=80 * memory.GIBIBYTE)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _index: card)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda _share: None)
    monkeypatch.setattr(memory.host, "configure", lambda _setting: None)
    monkeypatch.setattr(memory, "take_turns", run_out)
    embedded_webui.put_webui_on_path()
    assert memory.run_within(8, SETTING) is memory.TOO_LITTLE


@pytest.mark.parametrize("what", ["policy", "peak", "prediction", "not a number"])
def test_a_wrong_placement_is_seen(placements, what):
    policy, peak, (base, refined) = placements["8 GiB"]
    if what == "policy":
        policy = memory.STAY
    elif what == "peak":
        peak = 8 * 1024 + 1.0
    else:
        refined = refined * (1.1 if what == "prediction" else float("nan"))
    wrong = memory.Placed(policy, peak, (base, refined))
    figures = memory.judge({**placements, "8 GiB": wrong}, SETTING)
    failed = [figure.name for figure in figures if figure.status == report.FAILED]
    assert len(failed) == 1
    assert failed[0].startswith("8 GiB")

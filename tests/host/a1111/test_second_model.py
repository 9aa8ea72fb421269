"""A refiner loaded beside the base, on a card that is made up: it holds so much and no more."""

from __future__ import annotations

import sys
import weakref
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

import fooocus_ext.host.a1111
from fooocus_ext.errors import RequestError

GPU, CPU = torch.device("cuda"), torch.device("cpu")
GIBIBYTE = 1024**3
LATENT = torch.zeros(1, 4, 8, 8)
BASE_KEYS, REFINER_KEYS = (
    ("model.diffusion_model.out.weight", f"conditioner.embedders.{index}.model.ln_final.weight")
    for index in (1, 0)
)
UNET, TEXT_ENCODER = 5 * GIBIBYTE, GIBIBYTE


def mps_error():
    return RuntimeError("MPS backend out of memory (MPS allocated: 17.19 GB, max allowed: 18 GB)")


class Card:
    """A device's memory; what nothing refers to any more is free."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.weights = weakref.WeakSet()

    def free(self):
        return self.capacity - sum(each.size for each in self.weights if each.device == GPU)


class Weight:
    """Stands in for one parameter."""

    def __init__(self, card, size):
        self.card, self.size, self.device = card, size, CPU
        card.weights.add(self)

    def to(self, device):
        if device == GPU and self.device != GPU and self.card.free() < self.size:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.device = device

    def numel(self):
        return self.size

    def element_size(self):
        return 1


class Module:
    """Stands in for a torch module: it moves one parameter after the other."""

    def __init__(self, *weights):
        self.weights = weights

    def parameters(self):
        yield from self.weights

    def to(self, device):
        for weight in self.weights:
            weight.to(device)

    def devices(self):
        return {weight.device for weight in self.weights}


class Checkpoint(Module):
    """Stands in for the host's model, with a cycle of references as those have."""

    def __init__(self, card):
        self.model = Module(*(Weight(card, UNET // 4) for _ in range(4)))
        self.conditioner = Module(Weight(card, TEXT_ENCODER))
        self.first_stage_model = self
        self.layer = SimpleNamespace(network_layer_name="layer")
        super().__init__(*self.model.weights, *self.conditioner.weights)

    def modules(self):
        yield self.layer

    def named_buffers(self, *, recurse):
        assert not recurse
        yield from ()


class Host:
    """Loads checkpoints as the webui does: straight to the device."""

    def __init__(self, card):
        self.card = card
        self.model_data = SimpleNamespace(sd_model=None, loaded_sd_models=[])
        self.error = None

    def load_model(self, info, already_loaded_state_dict):
        already_loaded_state_dict.clear()  # as the webui does, weight by weight
        model = Checkpoint(self.card)
        model.to(GPU)
        if self.error is not None:
            raise self.error()
        return model

    def checkpoint_tiles(self):
        return []

    SkipWritingToConfig = nullcontext


@pytest.fixture
def load_on(load_host_module, monkeypatch, tmp_path):
    """Return a function that makes a card, puts a base on it and returns what loads a refiner."""
    file = tmp_path / "refiner.safetensors"
    file.touch()
    monkeypatch.setattr("os.path.getsize", lambda _: UNET + TEXT_ENCODER)

    def on(capacity):
        card = Card(capacity)
        host = Host(card)
        devices = SimpleNamespace(device=GPU, cpu=CPU, torch_gc=lambda: None)
        hijack = SimpleNamespace(embedding_db=SimpleNamespace(expected_shape=-1))
        memory = load_host_module("a1111/weights", devices=devices)
        monkeypatch.setattr(memory.memory, "free_bytes", lambda _device: card.free())
        monkeypatch.setattr(fooocus_ext.host.a1111, "weights", memory, raising=False)
        passes = SimpleNamespace(second_pass_networks=nullcontext)
        monkeypatch.setitem(sys.modules, "fooocus_ext.host.passes", passes)
        second_model = load_host_module(
            "a1111/second_model",
            devices=devices,
            sd_hijack=SimpleNamespace(model_hijack=hijack),
            sd_models=host,
            sd_unet=SimpleNamespace(),
            extra_networks=SimpleNamespace(),
            prompt_parser=SimpleNamespace(),
            sd_vae=SimpleNamespace(),
            shared=SimpleNamespace(opts=SimpleNamespace(data={})),
            timer=SimpleNamespace(Timer=None),
        )
        base = Checkpoint(card)
        base.to(GPU)
        info = SimpleNamespace(filename=str(file), title="refiner")
        return SimpleNamespace(
            card=card,
            host=host,
            memory=memory,
            base=base,
            load=lambda keys=(): second_model.Loader().load(info, dict.fromkeys(keys), base).model,
        )

    return on


def test_where_both_fit_both_are_on_the_device(load_on):
    setting = load_on(20 * GIBIBYTE)
    refiner = setting.load()
    assert setting.base.devices() == refiner.devices() == {GPU}


def test_the_layers_of_an_sdxl_refiner_lose_the_names_that_loras_go_by(load_on):
    setting = load_on(20 * GIBIBYTE)
    assert setting.load(BASE_KEYS).layer.network_layer_name == "layer"
    assert not hasattr(setting.load(REFINER_KEYS).layer, "network_layer_name")


def test_where_one_fits_the_base_is_back_and_the_refiner_waits(load_on):
    setting = load_on(10 * GIBIBYTE)
    refiner = setting.load()
    assert setting.base.devices() == {GPU}
    assert refiner.devices() == {CPU}
    weights = setting.memory.WeightPlacement(setting.base, refiner)
    for _ in range(2):
        with weights.text_encoder_on_device():
            assert refiner.conditioner.devices() == {GPU}
        weights.refiner_on_device(LATENT)
        assert refiner.model.devices() == {GPU}
        weights.base_on_device(LATENT)
        assert setting.base.devices() == {GPU}


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, mps_error])
@pytest.mark.parametrize("capacity", [7 * GIBIBYTE - 1, 10 * GIBIBYTE, 20 * GIBIBYTE])
def test_without_memory_the_user_reads_why_and_the_base_is_whole(load_on, capacity, error):
    setting = load_on(capacity)
    setting.host.error = error
    with pytest.raises(RequestError, match='not enough memory to keep "refiner" beside the base'):
        setting.load()
    assert setting.base.devices() == {GPU}
    assert setting.card.free() == capacity - UNET - TEXT_ENCODER


def test_a_base_that_finds_no_way_back_is_told_as_memory_too(load_on):
    setting = load_on(10 * GIBIBYTE)
    load_model = setting.host.load_model

    def load_while_another_program_takes_memory(*args, **kwargs):
        model = load_model(*args, **kwargs)
        setting.card.capacity = UNET
        return model

    setting.host.load_model = load_while_another_program_takes_memory
    with pytest.raises(RequestError, match="not enough memory"):
        setting.load()


def test_any_other_error_leaves_the_base_whole(load_on):
    setting = load_on(10 * GIBIBYTE)
    setting.host.error = lambda: RuntimeError("injected")
    with pytest.raises(RuntimeError, match="injected"):
        setting.load()
    assert setting.base.devices() == {GPU}

"""Where the weights are, with sizes and a device that are made up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.host.machine.memory import HEADROOM
from tests.strict_device import StrictDevice, is_on_device

GPU, CPU = torch.device("cuda"), torch.device("cpu")
GIBIBYTE = 1024**3
LATENT = torch.zeros(1, 4, 8, 8)
TEXT_ENCODER = GIBIBYTE


class Module:
    """Stands in for a torch module: as large as it says, and where it was last sent."""

    def __init__(self, size, device=CPU):
        self.size, self.device = size, device
        self.sent = []

    def to(self, device):
        self.device = device
        self.sent.append(device.type)
        return self

    def parameters(self):
        yield SimpleNamespace(
            numel=lambda: self.size // 2, element_size=lambda: 2, device=self.device
        )


class Checkpoint(Module):
    """Stands in for the host's model: a UNet and a text encoder."""

    def __init__(self, size, device=CPU, **others):
        super().__init__(size, device)
        self.model, self.conditioner = Module(size, device), Module(TEXT_ENCODER, device)
        vars(self).update(others)

    def to(self, device):
        self.model.to(device)
        self.conditioner.to(device)
        return super().to(device)

    def parameters(self):
        yield from self.model.parameters()
        yield from (self.conditioner or self.cond_stage_model).parameters()

    def named_buffers(self, *, recurse):
        assert not recurse
        yield from ()


@pytest.fixture
def memory(load_host_module, monkeypatch):
    devices = SimpleNamespace(device=GPU, cpu=CPU, torch_gc=lambda: None)
    loaded = load_host_module("a1111/weights", devices=devices)
    loaded.free = GIBIBYTE
    monkeypatch.setattr(loaded.memory, "free_bytes", lambda _device: loaded.free)
    return loaded


def sent(base, refiner):
    modules = (base, base.model, base.conditioner, refiner, refiner.model, refiner.conditioner)
    return [module.sent for module in modules]


def run_through(memory, base, refiner):
    weights = memory.WeightPlacement(base, refiner)
    with weights.text_encoder_on_device():
        pass
    weights.refiner_on_device(LATENT)
    weights.base_on_device(None)


@pytest.mark.parametrize("spare", [0, 1, GIBIBYTE])
def test_with_room_for_both_all_of_the_refiner_comes_to_the_device(memory, spare):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = HEADROOM + 2 * GIBIBYTE + TEXT_ENCODER + spare
    run_through(memory, base, refiner)
    assert sent(base, refiner) == [[], [], [], ["cuda"], ["cuda"], ["cuda"]]


def test_the_text_encoder_counts_too(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = HEADROOM + 2 * GIBIBYTE + TEXT_ENCODER - 1
    with memory.WeightPlacement(base, refiner).text_encoder_on_device():
        assert (refiner.model.device, refiner.conditioner.device) == (CPU, GPU)


def test_a_refiner_that_waited_on_the_cpu_is_whole_in_the_next_generation(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, GPU)
    memory.free = 0
    run_through(memory, base, refiner)
    assert (refiner.model.device, refiner.conditioner.device) == (CPU, CPU)
    memory.free = 20 * GIBIBYTE
    weights = memory.WeightPlacement(base, refiner)
    with weights.text_encoder_on_device():
        assert (refiner.model.device, refiner.conditioner.device) == (GPU, GPU)
    weights.refiner_on_device(LATENT)
    assert (base.model.device, refiner.model.device) == (GPU, GPU)


def test_a_refiner_that_is_on_the_device_needs_no_further_room(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, GPU)
    memory.free = HEADROOM
    run_through(memory, base, refiner)
    assert not any(sent(base, refiner))


def test_on_a_cpu_nothing_moves(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE), Checkpoint(2 * GIBIBYTE)
    memory.free = None
    run_through(memory, base, refiner)
    assert not any(sent(base, refiner))


@pytest.mark.parametrize("where", [CPU, GPU])
def test_without_room_the_two_unets_change_places(memory, where):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, where)
    memory.free = HEADROOM - 1
    weights = memory.WeightPlacement(base, refiner)
    assert (base.model.device, refiner.model.device) == (GPU, CPU)
    with weights.text_encoder_on_device():
        assert refiner.conditioner.device == GPU
        assert refiner.model.device == CPU
    assert refiner.conditioner.device == CPU
    weights.refiner_on_device(LATENT)
    assert (base.model.device, refiner.model.device) == (CPU, GPU)
    weights.base_on_device(None)
    assert (base.model.device, refiner.model.device) == (GPU, CPU)


def fail_on_the_device(module):
    """Let there be no room on the device for a module."""
    move = module.to

    def to(device):
        if device == GPU:
            raise RuntimeError("out of memory")
        return move(device)

    module.to = to


@pytest.mark.parametrize(("spare", "stays"), [(0, True), (-1, False)])
def test_the_base_makes_way_for_a_text_encoder_that_does_not_fit_beside_it(memory, spare, stays):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = int(TEXT_ENCODER * memory.ROUNDING) + memory.ENCODING + spare
    weights = memory.WeightPlacement(base, refiner)
    with weights.text_encoder_on_device():
        assert refiner.conditioner.device == GPU
        assert base.model.device == (GPU if stays else CPU)
    assert (base.model.device, refiner.conditioner.device) == (GPU, CPU)


def test_the_base_is_back_where_the_text_encoder_does_not_fit_alone(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = 0
    weights = memory.WeightPlacement(base, refiner)
    fail_on_the_device(refiner.conditioner)
    with (
        pytest.raises(RuntimeError, match="out of memory"),
        weights.text_encoder_on_device(),
    ):
        pytest.fail("nothing can be encoded")
    assert (base.model.device, refiner.conditioner.device) == (GPU, CPU)


def test_nothing_moves_at_steps_where_the_base_stays(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = 0
    weights = memory.WeightPlacement(base, refiner)
    moved = sum(map(len, sent(base, refiner)))
    for _ in range(20):
        weights.base_on_device(None)
    assert sum(map(len, sent(base, refiner))) == moved


def test_a_move_that_fails_half_way_is_undone(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = 0
    weights = memory.WeightPlacement(base, refiner)
    fail_on_the_device(refiner.model)
    with pytest.raises(RuntimeError, match="out of memory"):
        weights.refiner_on_device(LATENT)
    weights.base_on_device(None)
    assert (base.model.device, refiner.model.device) == (GPU, CPU)


def test_the_two_unets_are_never_on_the_device_together(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = 0
    weights = memory.WeightPlacement(base, refiner)
    together = []

    def watch(module):
        move = module.to

        def to(device):
            move(device)
            together.append(base.model.device == refiner.model.device == GPU)

        module.to = to

    watch(base.model)
    watch(refiner.model)
    weights.refiner_on_device(LATENT)
    weights.base_on_device(None)
    assert together == [False] * 4


def test_the_text_encoder_goes_back_also_after_an_error(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU)
    memory.free = 0
    weights = memory.WeightPlacement(base, refiner)

    def encode():
        with weights.text_encoder_on_device():
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        encode()
    assert refiner.conditioner.device == CPU


def test_sd1_brings_its_noise_schedule_when_it_samples(memory):
    """Webui 1.6 and 1.7 make the noise levels of a sampler from it, wherever it is."""
    base, refiner = torch.nn.Module(), torch.nn.Module()
    for each in (base, refiner):
        each.model, each.cond_stage_model = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        each.register_buffer("alphas_cumprod", torch.ones(3), persistent=False)
    memory.free = 0
    with StrictDevice().active():
        base.to(GPU)
        weights = memory.WeightPlacement(base, refiner)
        weights.refiner_on_device(LATENT)
        assert is_on_device(refiner.alphas_cumprod)
        assert is_on_device(base.alphas_cumprod)
        assert not is_on_device(refiner.cond_stage_model.weight)
    assert dict(refiner.named_buffers()).keys() == {"alphas_cumprod"}


def test_sd1_has_its_text_encoder_under_another_name(memory):
    refiner = Checkpoint(2 * GIBIBYTE, CPU, conditioner=None, cond_stage_model=Module(1, CPU))
    refiner.to = refiner.model.to
    memory.free = 0
    with memory.WeightPlacement(Checkpoint(1, GPU), refiner).text_encoder_on_device():
        assert refiner.cond_stage_model.device == GPU


def test_models_under_medvram_move_themselves(memory):
    base, refiner = Checkpoint(4 * GIBIBYTE, GPU), Checkpoint(2 * GIBIBYTE, CPU, lowvram=True)
    memory.free = 0
    run_through(memory, base, refiner)
    assert not any(sent(base, refiner))

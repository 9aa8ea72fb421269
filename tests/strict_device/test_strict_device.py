"""The strict device refuses what CUDA or MPS refuses, and notes what CUDA waits for."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tests.strict_device import CUDA, StrictDevice, is_on_device

CPU = torch.device("cpu")


@pytest.fixture
def device():
    strict = StrictDevice()
    with strict.active():
        yield strict


def here(*shape, dtype=None):
    return torch.ones(shape, device="cuda", dtype=dtype)


def there(*shape, dtype=None):
    return torch.ones(shape, dtype=dtype)


MADE = {
    "zeros": lambda: torch.zeros(2, device="cuda"),
    "a list": lambda: torch.tensor([1.0], device=torch.device("cuda")),
    "as_tensor": lambda: torch.as_tensor(there(2), device="cuda"),
    "to": lambda: there(2).to("cuda"),
    "to another": lambda: there(2).to(here(1)),
    "to with a keyword": lambda: there(2).to(device="cuda", dtype=torch.float16),
    "cuda": lambda: there(2).cuda(),
    "like": lambda: torch.zeros_like(here(2)),
    "new_tensor": lambda: here(2).new_tensor([1.0]),
    "new_zeros": lambda: here(2).new_zeros(3),
    "a view": lambda: here(2, 3)[0, 1:],
    "data": lambda: here(2).data,
    "a sum with a number": lambda: here(2) + 1,
    "a sum with a scalar of the CPU": lambda: here(2) * there(),
    "where": lambda: torch.where(here(2) > 0, here(2), there()),
    "indexed by the CPU": lambda: here(3)[torch.tensor([0, 1])],
    "written over": lambda: here(2).copy_(there(2)),
    "padded": lambda: torch.nn.functional.pad(here(1, 1, 4), (1, 1), mode="reflect"),
    "resized": lambda: torch.nn.functional.interpolate(here(1, 1, 4, 4), scale_factor=2),
    "random": lambda: torch.randn(2, device="cuda", generator=torch.Generator("cuda")),
    "a layer": lambda: torch.nn.Linear(2, 2).to("cuda").weight,
    "what a layer gives": lambda: torch.nn.Linear(2, 2).to("cuda")(here(1, 2)),
    "a deep copy": lambda: copy.deepcopy(here(2)),
}
ON_CPU = {
    "zeros": lambda: torch.zeros(2),
    "cpu": lambda: here(2).cpu(),
    "to": lambda: here(2).to("cpu"),
    "to another": lambda: here(2).to(there(1)),
    "like": lambda: torch.zeros_like(here(2), device="cpu"),
    "written over": lambda: there(2).copy_(here(2)),
    "a layer that went": lambda: torch.nn.Linear(2, 2).to("cuda").to("cpu").weight,
    "NumPy's": lambda: torch.from_numpy(np.ones(2)),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_there_is_there(device, name):
    made = MADE[name]()
    assert (made.device, made.is_cuda, is_on_device(made)) == (CUDA, True, True)


@pytest.mark.parametrize("name", ON_CPU)
def test_what_is_made_on_the_cpu_is_there(device, name):
    made = ON_CPU[name]()
    assert (made.device, made.is_cpu, is_on_device(made)) == (CPU, True, False)


def test_a_move_copies(device):
    before = there(2)
    moved = before.to("cuda")
    moved.add_(1)
    assert before.tolist() == [1, 1]
    assert moved.to("cuda") is moved


REFUSED = {
    "a sum": lambda: here(2) + there(2),
    "a scalar and the CPU's tensor": lambda: there(2) * here(),
    "joining": lambda: torch.cat([here(2), there(2)]),
    "stacking a scalar": lambda: torch.stack([here(), there()]),
    "a product": lambda: here(2, 2) @ there(2, 2),
    "three factors": lambda: torch.addcmul(there(), here(2), here(2)),
    "writing to the CPU": lambda: there(2).add_(here(2)),
    "writing to a scalar of the CPU": lambda: there().add_(here()),
    "a layer": lambda: torch.nn.Linear(2, 2)(here(1, 2)),
    "the CPU's indexed by it": lambda: there(2)[torch.tensor([0], device="cuda")],
    "gathering": lambda: here(2).index_select(0, torch.tensor([0])),
    "writing rows": lambda: here(2).__setitem__(torch.tensor([0, 1]), there(2)),
    "the CPU's generator": lambda: torch.randn(2, device="cuda", generator=torch.Generator("cpu")),
    "its generator": lambda: torch.randn(2, generator=torch.Generator("cuda")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_mixes_devices_is_refused(device, name):
    with pytest.raises(
        RuntimeError, match=r"same device|indices should be|device type for generator"
    ):
        REFUSED[name]()


TOO_WIDE = {
    "made": lambda: torch.zeros(2, device="cuda", dtype=torch.float64),
    "a list": lambda: torch.tensor([1.0], device="cuda", dtype=torch.float64),
    "NumPy's": lambda: torch.from_numpy(np.ones(2)).to("cuda"),
    "double": lambda: here(2).double(),
    "a sum with the CPU's double": lambda: torch.add(
        here(2, dtype=torch.int64), there(dtype=torch.float64)
    ),
    "converted on its way to the CPU": lambda: here(2).to("cpu", torch.float64),
    "written over": lambda: there(2, dtype=torch.float64).copy_(here(2)),
    "complex": lambda: here(2).to(torch.complex128),
}


@pytest.mark.parametrize("name", TOO_WIDE)
def test_nothing_is_in_double_precision(device, name):
    with pytest.raises(
        TypeError, match=r"MPS framework doesn't support torch\.(float64|complex128)"
    ):
        TOO_WIDE[name]()


def test_double_precision_stays_on_the_cpu(device):
    assert here(2).cpu().double().dtype == torch.float64
    wide = there(2, dtype=torch.float64)
    assert wide.to("cuda", torch.float32).is_cuda
    assert (here(2) * wide[0]).dtype == torch.float32


def test_an_operation_that_mps_lacks_is_refused(device):
    with pytest.raises(NotImplementedError, match=r"'aten::std_mean' .* for the MPS device"):
        torch.std_mean(here(2))
    torch.std_mean(there(2))


@pytest.mark.parametrize("convert", [torch.Tensor.numpy, np.asarray])
def test_numpy_cannot_see_it(device, convert):
    with pytest.raises(TypeError, match="to copy the tensor to host memory"):
        convert(here(2))


WAITS = {
    "float": lambda x: float(x.max()),
    "int": lambda x: int(x[0]),
    "bool": lambda x: bool((x > 0).all()),
    "item": lambda x: x[0].item(),
    "a list": lambda x: x.tolist(),
    "the CPU": lambda x: x.cpu(),
    "equal": lambda x: torch.equal(x, x),
    "allclose": lambda x: torch.allclose(x, x),
    "a mask": lambda x: x[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: x.unique(),
    "writing over": lambda x: there(2).copy_(x),
    "an index": lambda x: [1, 2][x[0].long()],
}


@pytest.mark.parametrize("name", WAITS)
def test_what_waits_is_noted(device, name):
    WAITS[name](here(2))
    assert len(device.synchronisations) == 1
    (wait,) = device.synchronisations
    assert wait.where.startswith("tests/strict_device/test_strict_device.py:")


GOES_ON = {
    "arithmetic": lambda x: (x * 2 + x).sum().sqrt(),
    "a scalar of the CPU": lambda x: x * float(there()),
    "a choice": lambda x: torch.where((x == 1).all(), x, x * 2),
    "a masked write of a number": lambda x: x.masked_fill(x > 0, 0.0),
    "a list of the CPU's": lambda x: there(2).tolist(),
}


@pytest.mark.parametrize("name", GOES_ON)
def test_what_goes_on_is_not(device, name):
    GOES_ON[name](here(2))
    assert device.synchronisations == device.uploads == []


@pytest.mark.parametrize(
    "upload",
    [
        lambda x: there(2).to("cuda"),
        lambda x: torch.tensor([1.0], device="cuda"),
        lambda x: x.new_tensor([1.0]),
        lambda x: x[[0, 1]],
        lambda x: x.copy_(there(2)),
    ],
)
def test_uploads_are_noted_apart(device, upload):
    upload(here(2))
    assert (len(device.uploads), len(device.synchronisations)) == (1, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_is_in_the_dtype_of_the_device(dtype):
    strict = StrictDevice(autocast_dtype=dtype)
    with strict.active(), torch.autocast("cuda"):
        assert torch.is_autocast_enabled()
        assert (here(2, 2) @ here(2, 2)).dtype == dtype
        with torch.autocast("cuda", enabled=False):
            assert (here(2, 2) @ here(2, 2)).dtype == torch.float32


def test_autocast_is_switched_as_on_cuda(device):
    with torch.autocast("cuda"):
        torch.set_autocast_enabled(False)
        assert not torch.is_autocast_enabled()
        torch.set_autocast_enabled("cuda", True)
        assert torch.is_autocast_enabled()


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda like: torch.zeros(2, device="cuda"), 1),
        (lambda like: there(2).to(torch.device(like.device.type)), 1),
        (lambda like: there(2).cuda(), 1),
        (lambda like: torch.zeros(2, device=like.device), 0),
        (lambda like: there(2).to(like), 0),
    ],
)
def test_a_device_without_a_number_is_noted(device, make, count):
    like = here(2)
    device.unnumbered.clear()
    make(like)
    assert len(device.unnumbered) == count


def test_what_is_held_is_known_by_its_bytes(device):
    kept = here(100)[:1]
    here(1000)
    assert (device.held, device.largest) == (400, 4000)
    del kept
    assert device.held == 0


def test_it_says_what_is_free(device):
    device.free = 5
    assert torch.cuda.mem_get_info()[0] == 5
    for numbered in (0, "cuda:0", torch.device("cuda", 0)):
        assert torch.cuda.mem_get_info(numbered)[0] == 5


@pytest.mark.parametrize("device_alone", ["cuda", torch.device("cuda")])
def test_what_is_free_is_asked_of_a_numbered_device(device, device_alone):
    with pytest.raises(ValueError, match="with a specified index"):
        torch.cuda.mem_get_info(device_alone)


def test_nothing_is_left_behind():
    before = torch.Generator, torch.autocast, torch.cuda.mem_get_info
    with StrictDevice().active():
        pass
    assert (torch.Generator, torch.autocast, torch.cuda.mem_get_info) == before
    assert torch.ones(2).device == CPU

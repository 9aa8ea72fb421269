"""Whole generations in half precision, as most GPUs make them: each trick is as exact as in single precision.

The model's weights are half, the latents single precision, and the webui samples under autocast. The CPU has
all the operations of that for both dtypes, so nothing is left out.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.contract import engines, hosts, probes
from tests.contract.on_device import on_device
from tests.contract.test_guidance import STRONG, assert_output, assert_sizes

pytestmark = pytest.mark.skipif(
    hosts.WEBUI is not None, reason="the strict device is for the embedded webui"
)

JOB = {"width": 64, "height": 64, "steps": 3}
WAYS = {
    "tricks": {},
    "joint": {"refiner_method": "joint"},
    "separate": {"refiner_method": "separate"},
    "Fooocus": {"refiner_method": "joint", "rendering": "Fooocus"},
    "engine": {},
}
DTYPES = [torch.float16, torch.bfloat16]


@pytest.fixture(scope="module")
def exact(session_host):
    """The pictures in single precision, by way."""
    with on_device(session_host) as running:
        return {way: generated(running, way).pictures[0].astype(float) for way in WAYS}


@pytest.fixture(scope="module", params=[torch.float32, *DTYPES], ids=str)
def gpu(request, session_host, exact):  # one after the other: the host is on one device at a time
    with on_device(session_host, dtype=request.param) as running:
        yield running


def generated(gpu, way):
    settings = {**STRONG, **WAYS[way]}
    if "refiner_method" in settings:
        settings |= {"refiner": gpu.host.checkpoints.refiner, "refiner_switch": 0.5}
    if way != "engine":
        return gpu.generate(settings, **JOB)
    engines.write_files(gpu.host)
    with engines.taking_part(gpu.host):
        return gpu.generate(settings, **JOB)


def assert_as_in_single_precision(picture, exact, dtype):
    """Assert that a picture differs by what half precision does to the network, and no more.

    In levels of 255, the means were up to 0.40 (float16) and 1.98 (bfloat16), which has an eighth of its
    precision; the tricks change these pictures by 7 to 24.
    """
    difference = np.abs(picture.astype(float) - exact)
    assert difference.mean() < {torch.float16: 1, torch.bfloat16: 4}[dtype]


@pytest.mark.parametrize("way", WAYS)
def test_each_call_is_as_exact_as_in_single_precision(gpu, exact, way):
    """To the tolerances of single precision (`test_guidance`): no half is on the way of a trick."""
    dtype = gpu.host.modules.devices.dtype
    with probes.recording(gpu.host) as calls:
        picture = generated(gpu, way).pictures[0]
    assert {call.is_autocast for call in gpu.calls} == {dtype != torch.float32}
    if dtype != torch.float32:
        assert_as_in_single_precision(picture, exact[way], dtype)
    if way == "Fooocus":
        return  # whose levels and sizes are others
    changed = [assert_output(call, STRONG) for call in calls]
    assert min(changed[1:]) > 0
    with gpu.device.active():
        told = [assert_sizes(gpu.host, call, STRONG) for call in calls if not call.is_refiner]
    assert any(told)

"""Whole generations as on a GPU: no operation mixes devices, and the CPU seldom waits for the device."""

from __future__ import annotations

import numpy as np
import pytest

from tests.contract import engines, hosts, test_edit
from tests.contract.on_device import on_device

pytestmark = pytest.mark.skipif(
    hosts.WEBUI is not None, reason="the strict device is for the embedded webui"
)

TRICKS = {"sharpness": 9, "adaptive_cfg": 3}
JOB = {"width": 64, "height": 64, "steps": 3}
HIRES = {
    "enable_hr": True,
    "hr_scale": 1.5,
    "hr_second_pass_steps": 2,
    "denoising_strength": 0.9,
    "override_settings": {"hires_fix_refiner_pass": "both passes"},
}


@pytest.fixture(scope="module")
def gpu(session_host):
    with on_device(session_host) as running:
        yield running


@pytest.fixture(scope="module")
def waits_of_the_host(gpu):
    """What the CPU waits for in the calls of a sampler without the extension, by the request."""
    known = {}

    def waits(**request):
        key = repr(sorted(request.items()))
        if key not in known:
            gpu.generate(**JOB, **request)
            known[key] = [len(call.waits) for call in gpu.calls]
        return known[key]

    return waits


def arguments(gpu, method, **more):
    """Return the extension's arguments: all tricks, and a refiner if a method is named."""
    turn = {"refiner": gpu.host.checkpoints.refiner, "refiner_switch": 0.5}
    return {**TRICKS, **({**turn, "refiner_method": method} if method else {}), **more}


CASES = {
    "tricks": (None, {}, {"batch_size": 2, "prompt": "a fox AND snow:0.5"}),
    "padded prompts": (
        "joint",
        {},
        {"prompt": "a, " * 80, "override_settings": {"pad_cond_uncond": True}},
    ),
    "spared": (None, {}, {"override_settings": {"skip_early_cond": 0.3}}),
    "SDE": ("joint", {}, {"sampler_name": "DPM++ 2M SDE"}),
    "DDIM": (None, {}, {"sampler_name": "DDIM"}),
    "DDIM, refined": ("joint", {}, {"sampler_name": "DDIM"}),
    "separate": ("separate", {}, {}),
    "vae": ("vae", {}, {}),
    "two passes": ("joint", {}, HIRES),
    "Fooocus": ("joint", {"rendering": "Fooocus"}, {"prompt": "a (fox:1.3)"}),
    "Fooocus, LCM": (None, {"rendering": "Fooocus"}, {"sampler_name": "LCM"}),
    "Fooocus, UniPC": ("separate", {"rendering": "Fooocus"}, {"sampler_name": "UniPC"}),
}


@pytest.mark.parametrize("case", CASES)
def test_no_operation_mixes_devices_and_each_call_waits_once_more_than_the_hosts(
    gpu, waits_of_the_host, case
):
    method, settings, request = CASES[case]
    of_the_host = waits_of_the_host(**request)
    gpu.generate(arguments(gpu, method, **settings), **JOB, **request)
    assert len(gpu.calls) == len(of_the_host)
    for call, allowed in zip(gpu.calls, of_the_host, strict=True):
        assert len(call.waits) <= allowed + 1, call.waits


def test_numbers_go_to_the_device_once(gpu):
    """An upload makes the CPU wait too, until all that was launched before it is done."""
    gpu.generate(arguments(gpu, "joint"), **JOB)
    assert [upload for call in gpu.calls[1:] for upload in call.uploads if upload.is_ours] == []


@pytest.mark.parametrize("rendering", ["webui", "Fooocus"])
def test_an_edit_with_its_engine_mixes_no_devices(gpu, monkeypatch, rendering):
    from fooocus_ext.host.inpaint_engine.patched_weights import PatchedWeights

    monkeypatch.setattr("fooocus_ext.host.machine.checkpoints.side", lambda _title: test_edit.SIDE)
    engines.write_files(gpu.host)
    picture = hosts.encode(np.asarray(test_edit.scene()))
    edit = {"image": picture, "mask": test_edit.MASK, "mode": "inpaint", "rendering": rendering}
    patched, put_in = [], PatchedWeights.put_in
    monkeypatch.setattr(
        PatchedWeights, "put_in", lambda *a, **k: (patched.append(a), put_in(*a, **k))
    )
    answer = gpu.post(test_edit.ROUTE, {**test_edit.PLAIN, "prompt": "a fox", **edit})
    assert answer.status == 200, answer.body
    assert patched, "the engine took no part"
    for call in gpu.calls:
        assert len([wait for wait in call.waits if wait.is_ours]) <= 1, call.waits

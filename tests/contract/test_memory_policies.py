"""Where the weights are, under each way of having little memory: before, at and after a fault too."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from tests.contract import engines, hosts, probes
from tests.contract.on_device import on_device
from tests.contract.probes import CALLS_OF_TWO_PASSES, TWO_PASSES
from tests.strict_device import is_on_device

pytestmark = [
    pytest.mark.skipif(
        hosts.WEBUI is not None, reason="the strict device is for the embedded webui"
    ),
    pytest.mark.reports_errors,
]

SMALL = 0.15
"""The share of a UNet that --lowvram leaves on the device: all but its blocks."""
POLICIES = {
    "room for both": {},
    "in turns": {"free": 0},
    "medvram": {"flag": "medvram"},
    "lowvram": {"flag": "lowvram"},
}


@pytest.fixture(scope="module")
def wanted(session_host):
    """The pictures of the policy that moves nothing, by request."""
    with on_device(session_host) as running:
        return {method: generated(running, method).payload for method in ("joint", "engine")}


@pytest.fixture(scope="module", params=POLICIES)
def gpu(request, session_host):
    with on_device(session_host, **POLICIES[request.param]) as running:
        yield running


def arguments(gpu, method):
    refiner = {"refiner": gpu.host.checkpoints.refiner, "refiner_switch": 0.5}
    return {"sharpness": 9, "adaptive_cfg": 3, **({} if method == "engine" else refiner)}


def generated(gpu, method):
    if method != "engine":
        return gpu.generate(arguments(gpu, method), **TWO_PASSES)
    engines.write_files(gpu.host)
    with engines.loras(gpu.host), engines.taking_part(gpu.host):
        return gpu.generate(arguments(gpu, method), **engines.JOB, **engines.prompt("one"))


def networks(gpu):
    from fooocus_ext.host.refiner import resident

    model = resident.RESIDENCE._model
    models = [gpu.host.modules.shared.sd_model, *([model.second.model] if model else [])]
    return [model.model.diffusion_model for model in models]


def shares(gpu):
    """Return which share of the base's and of the refiner's UNet is on the device."""
    found = []
    for network in networks(gpu):
        sizes = [(is_on_device(w), w.numel()) for w in network.parameters()]
        found.append(sum(n for here, n in sizes if here) / sum(n for _, n in sizes))
    return found


def assert_where_they_belong(gpu):
    """Assert that the next job can begin: the base is on the device, or comes when it is called."""
    of_base, *of_refiner = shares(gpu)
    if gpu.moves_itself:
        assert max([of_base, *of_refiner]) < SMALL
    else:
        assert of_base == 1
        assert of_refiner in ([], [float(gpu.device.free > 0)])


def test_the_engine_and_a_lora_make_the_same_picture(gpu, wanted):
    assert generated(gpu, "engine").payload == wanted["engine"]
    assert_where_they_belong(gpu)


def test_noise_levels_that_the_webui_does_not_renew_are_where_the_refiner_is(
    gpu, wanted, monkeypatch
):
    """Webui 1.6 and 1.7 have no `apply_alpha_schedule_override`, which brings them to the device."""
    second_model = importlib.import_module("fooocus_ext.host.a1111.second_model")
    there = vars(gpu.host.modules.sd_models)
    without = {key: there[key] for key in there if key != "apply_alpha_schedule_override"}
    monkeypatch.setattr(second_model, "sd_models", SimpleNamespace(**without))
    assert generated(gpu, "joint").payload == wanted["joint"]


def test_a_fault_at_each_step_of_each_pass_leaves_the_weights_where_they_belong(gpu, wanted):
    assert generated(gpu, "joint").payload == wanted["joint"]
    assert_where_they_belong(gpu)
    for index in range(CALLS_OF_TWO_PASSES):
        seen = []

        def fail(original, params, index=index, seen=seen):
            original(params)
            seen.append(shares(gpu))
            if len(seen) == index + 1:
                raise RuntimeError("injected")

        with probes.around_callbacks(gpu.host, denoiser=fail):
            assert gpu.run(arguments(gpu, "joint"), **TWO_PASSES).status == 500
        assert len(seen) == index + 1
        if not gpu.device.free:
            assert seen == [[1, 0], [0, 1], [1, 0], [0, 1]][: index + 1]
        with gpu.device.active():
            gpu.host.modules.lowvram.send_everything_to_cpu()
        assert_where_they_belong(gpu)
    assert generated(gpu, "joint").payload == wanted["joint"]

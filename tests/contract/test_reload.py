"""Reloading the page, and many generations in a row: nothing may pile up."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import Counter

import pytest
import torch

from tests.contract import hosts, probes, snapshots

SMALL = {"width": 64, "height": 64, "steps": 2}


def axes_of(host):
    for data in host.modules.scripts.scripts_data:
        if data.script_class.__module__ == "xyz_grid.py":
            return [option.label for option in data.module.axis_options]
    return []


def settings_pages(host):
    return [key for key in host.modules.shared.opts.data_labels if key.startswith("fooocus")]


def describe(host):
    return {
        "callbacks": snapshots.callback_counts(host),
        "axes": axes_of(host),
        "settings": settings_pages(host),
        "scripts": [
            Counter(script.title() for script in runner.scripts)
            for runner in (
                host.modules.scripts.scripts_txt2img,
                host.modules.scripts.scripts_img2img,
            )
        ],
        "routes": sorted(route.path for route in host.client.app.routes),
        "functions": snapshots.take(host)["functions"],
        "paths": sorted(sys.path),
    }


@pytest.mark.reports_errors  # the host shows one for each unreadable checkpoint that it lists anew
def test_reloading_the_page_registers_everything_once(host):
    wanted = host.generate({"sharpness": 20, "refiner": host.checkpoints.refiner})
    hosts.reload(host)
    first = describe(host)
    for _ in range(2):
        hosts.reload(host)
        assert describe(host) == first
    again = host.generate({"sharpness": 20, "refiner": host.checkpoints.refiner})
    assert again.difference(wanted) <= 1
    bad = host.run({"sharpness": "x"})
    assert bad.status == 422


@pytest.mark.reports_errors
def test_the_tab_offers_what_the_settings_say_after_reload_ui(host):
    opts = host.modules.shared.opts
    assert offered() == (32, 5)
    opts.data.update(fooocus_largest_image_number=4, fooocus_lora_slots=99)
    assert offered() == (32, 5)
    hosts.reload(host)
    assert offered() == (4, 5)  # the log names what the settings page does not allow
    opts.data.update(fooocus_largest_image_number=32, fooocus_lora_slots=2)
    hosts.reload(host)
    assert offered() == (32, 2)
    opts.data.update(fooocus_lora_slots=5)
    hosts.reload(host)
    assert offered() == (32, 5)


def offered():
    from fooocus_ext.host.tab import connect

    limits = connect.services().limits
    return limits.image_number, limits.lora_slots


@pytest.mark.reports_errors
def test_an_unloaded_script_leaves_no_trace_in_a_job_that_runs_on(host):
    """Registered callbacks are the host's to forget; ours must not act twice after a reload."""
    hosts.reload(host)
    with probes.checkpoints_called(host) as called:
        host.generate({"sharpness": 20, "adm_positive": 1.5})
    reference = host.generate({"sharpness": 20, "adm_positive": 1.5})
    assert len(called) == 4
    assert reference.payload == host.generate({"sharpness": 20, "adm_positive": 1.5}).payload


def census():
    """Count live tensors, hooks and objects of the extension's own classes."""
    gc.collect()
    objects = gc.get_objects()
    ours = Counter(
        type(item).__name__
        for item in objects
        if str(type(item).__module__).startswith("fooocus_ext")
    )
    return {"tensors": sum(isinstance(item, torch.Tensor) for item in objects), **ours}


JOBS = {
    "guidance": {},
    "joint": {"refiner_method": "joint"},
    "separate": {"refiner_method": "separate"},
}


def run_jobs(host, method, count):
    settings = {"sharpness": 9, **JOBS[method]}
    if method != "guidance":
        settings |= {"refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    objects = []
    for _ in range(count):
        with probes.processing_objects(host) as seen:
            host.generate(settings, **SMALL)
        objects += [weakref.ref(p) for p in seen]
        seen.clear()
    return objects


def assert_nothing_piles_up(host, method, count):
    run_jobs(host, method, 2)
    before, state = census(), snapshots.take(host)
    objects = run_jobs(host, method, count)
    assert census() == before
    assert snapshots.differences(state, snapshots.take(host)) == {}
    assert sum(p() is not None for p in objects) == 0


@pytest.mark.parametrize("method", JOBS)
def test_20_generations_leave_nothing_behind(host, method):
    assert_nothing_piles_up(host, method, 20)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["joint"])
def test_200_generations_leave_nothing_behind(host, method):
    assert_nothing_piles_up(host, method, 200)


def test_20_refused_requests_leave_nothing_behind(host):
    def refuse(count):
        for _ in range(count):
            assert host.run({"sharpness": -1}, **SMALL).status == 422

    refuse(2)
    before, callbacks = census(), snapshots.callback_counts(host)
    refuse(20)
    assert census() == before
    assert snapshots.callback_counts(host) == callbacks

"""What webuis before this one lack or do otherwise: taken away from it, or put in its place."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
import torch

V18_SAMPLERS = ("Euler a", "Euler", "DPM++ 2M SDE", "DPM++ 2M SDE Karras", "Restart", "LCM")


@pytest.fixture
def module(host):
    """Return a function that gives a module of the extension's, which the webui must have loaded."""
    return lambda name: importlib.import_module(f"fooocus_ext.host.{name}")


class Queue:
    """A queue of one job, which takes down how it ended."""

    def __init__(self):
        self.ended = []

    def finish(self, job, *, comments, seconds, stopped):
        self.ended.append((job, "stopped" if stopped else "done"))

    def fail(self, job, error):
        self.ended.append((job, error))

    def now(self, job):
        return SimpleNamespace(id=job)


@pytest.fixture
def make(module, monkeypatch):
    """Make a job whose pictures come from ``pictures``; return how it ended."""
    work = module("tab.work")
    monkeypatch.setattr(work, "settle", lambda *_: None)
    monkeypatch.setattr(work, "choices_of", lambda _: None)
    monkeypatch.setattr(work.grid, "add", lambda *_: "")

    def make_job(pictures):
        queue = Queue()
        monkeypatch.setattr(work, "_make", pictures)
        work.make(queue, SimpleNamespace(id="7"))
        return queue.ended

    return make_job


def test_stop_is_one_thing_before_1_8(host, make, monkeypatch):
    state = host.modules.shared.state
    lacking = SimpleNamespace(interrupted=False)
    monkeypatch.setattr(host.modules.shared, "state", lacking)
    assert make(lambda *_: "") == [("7", "done")]
    lacking.interrupted = True
    assert make(lambda *_: "") == [("7", "stopped")]
    assert state is not lacking


def test_a_job_that_ends_badly_once_stopped_is_stopped(host, make, monkeypatch):
    """Webui 1.6 fails with an IndexError where Stop comes before the first step."""

    def fail(*_):
        raise IndexError("list index out of range")

    state = SimpleNamespace(interrupted=True)
    monkeypatch.setattr(host.modules.shared, "state", state)
    assert make(fail) == [("7", "stopped")]
    state.interrupted = False
    assert make(fail) == [("7", "IndexError: list index out of range")]


def test_another_error_of_a_stopped_job_is_told(host, make, monkeypatch):
    def fail(*_):
        raise ValueError("a real one")

    monkeypatch.setattr(host.modules.shared, "state", SimpleNamespace(interrupted=True))
    assert make(fail) == [("7", "ValueError: a real one")]


def test_a_job_waits_for_a_page_that_is_built_anew(module, monkeypatch):
    run = module("jobs.run")
    unready, ready = (SimpleNamespace(scripts=[1], inputs=inputs) for inputs in ([None], [None, 1]))
    monkeypatch.setattr(run.shared.cmd_opts, "nowebui", False)
    monkeypatch.setattr(run.scripts, "scripts_txt2img", unready)
    monkeypatch.setattr(run.time, "sleep", lambda _: setattr(run.scripts, "scripts_txt2img", ready))
    assert run._runner(is_img2img=False) is ready


def test_a_job_that_cannot_be_run_fails_alone(module):
    worker = module("tab.worker")
    queue = Queue()

    def fail(*_):
        raise AttributeError("no such thing")

    worker.Worker(queue, fail)._run(SimpleNamespace(id="7"))
    assert queue.ended == [("7", "AttributeError: no such thing")]


def test_without_a_page_its_scripts_are_set_up_as_the_webuis_api_does(host, module, monkeypatch):
    """Up to 1.7 nothing has asked for scripts before the first picture is made over the API."""
    run, done = module("jobs.run"), []
    runner = SimpleNamespace(
        scripts=[], initialize_scripts=lambda *, is_img2img: done.append(is_img2img)
    )
    monkeypatch.setattr(run.scripts, "scripts_img2img", runner)
    monkeypatch.setattr(run.shared.cmd_opts, "nowebui", True)
    monkeypatch.setattr(run.ui, "create_ui", lambda: done.append("page"))
    assert run._runner(is_img2img=True) is runner
    assert done == [True, "page"]


def test_a_picture_made_again_has_a_sampler_where_there_are_no_schedule_types(module, monkeypatch):
    remake = module("http.remake")
    here = SimpleNamespace(samplers=V18_SAMPLERS, schedulers=())
    monkeypatch.setattr(remake.assets, "installed", lambda: here)
    assert remake._usual_sampler() == {"sampler": "DPM++ 2M SDE Karras", "scheduler": ""}


@pytest.mark.parametrize(("fields", "times"), [({"infotext": None}, 1), ({}, 0)])
def test_an_infotext_counts_where_requests_take_one(module, monkeypatch, fields, times):
    """Before 1.8 the webui does not read it: what we alone took from it would be half a picture."""
    arguments, versions = module("http.arguments"), module("machine.versions")
    models = SimpleNamespace(StableDiffusionTxt2ImgProcessingAPI=SimpleNamespace(__fields__=fields))
    settled = []
    monkeypatch.setattr(versions.importlib, "import_module", lambda _: models)
    monkeypatch.setattr(arguments, "_settle_infotext", lambda *_: settled.append("once"))

    async def body():
        return {"prompt": "a fox", "infotext": "a red fox\nSteps: 3"}

    with pytest.raises(StopIteration):
        arguments.check_arguments(SimpleNamespace(json=body)).send(None)
    assert len(settled) == times


def test_each_level_of_fooocus_is_found_at_its_own_timestep_in_half_precision(module):
    """Up to 1.8 the wrapper around a model in half precision has the model's levels in half precision."""
    external = importlib.import_module("k_diffusion.external")
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    products = (1 - betas).cumprod(0)
    levels = ((1 - products) / products) ** 0.5
    wrap = external.DiscreteSchedule(levels.float(), quantize=False).half()
    wrap.inner_model = SimpleNamespace(alphas_cumprod=products.half())
    module("rendering.schedules").use_fooocus_levels(SimpleNamespace(inner_model=wrap))
    torch.testing.assert_close(wrap.sigmas, levels.float())
    found = wrap.sigma_to_t(levels.float())
    torch.testing.assert_close(found, torch.arange(1000.0), rtol=0, atol=1e-3)


def test_our_options_can_be_overridden_where_the_webui_gives_them_no_value(
    host, module, monkeypatch
):
    """Webui 1.6 notes an option that an extension adds, and gives it no value until somebody saves one."""
    opts = host.modules.shared.opts
    options = module("machine.options")
    monkeypatch.setattr(
        type(opts), "add_option", lambda self, key, info: self.data_labels.update({key: info})
    )
    monkeypatch.delitem(opts.data, options.EXPANSION_TARGET)
    options.register()
    assert opts.data[options.EXPANSION_TARGET] == 75
    host.generate({}, override_settings={options.EXPANSION_TARGET: 30})
    assert opts.data[options.EXPANSION_TARGET] == 75

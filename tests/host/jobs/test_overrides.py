"""Options that hold for one job: which of them reach the host, and what it can take back."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

import fooocus_ext.host.machine

DEFAULTS = {"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1}
FORGE_DEFAULTS = {**DEFAULTS, "forge_additional_modules": []}
SOFT, SHARP, ENCODER = "/models/VAE/soft.pt", "/models/VAE/sharp.pt", "/models/text_encoder/t5.pt"


class Options:
    """The host's options; ``data`` is what its settings file holds."""

    def __init__(self, defaults):
        self.data, self.defaults = {}, defaults

    def __getattr__(self, key):
        if key not in self.defaults:
            raise AttributeError(key)
        return self.data.get(key, self.defaults[key])

    def get_default(self, key):
        return self.defaults[key]

    def set(self, key, value, is_api, run_callbacks):
        assert is_api
        assert not run_callbacks
        self.data[key] = value


@pytest.fixture
def opts():
    return Options(DEFAULTS)


@pytest.fixture
def on(load_host_module, monkeypatch):
    """Return a function that gives the module on a host with these options."""

    def load(opts):
        shared = SimpleNamespace(opts=opts)
        files = SimpleNamespace(vae_dict={"soft.pt": SOFT, "sharp.pt": SHARP})
        vae = load_host_module("machine/vae", paths=None, shared=shared, sd_vae=files)
        monkeypatch.setattr(fooocus_ext.host.machine, "vae", vae, raising=False)
        models = SimpleNamespace(checkpoint_aliases={"known": "its info"})
        return load_host_module("jobs/overrides", shared=shared, sd_models=models)

    return load


@pytest.fixture
def overrides(on, opts):
    return on(opts)


@pytest.fixture
def override(overrides):
    return overrides.override


class Request:
    """The parts of the host's processing object that options of a job are about."""

    def __init__(self, overridden, *, restores=True):
        self.override_settings = overridden
        self.override_settings_restore_afterwards = restores


def request(**overridden):
    return Request(overridden)


def process(p, opts):
    """Take a job's options and give them back, as hosts do; return what held in the job."""
    stored = {key: opts.data[key] for key in p.override_settings if key in opts.data}
    opts.data.update(p.override_settings)
    held = dict(opts.data)
    if p.override_settings_restore_afterwards:
        opts.data.update(stored)
    return held


def test_copies_of_a_request_do_not_share_our_options(override):
    p = request(sd_vae="chosen")
    shared = p.override_settings
    override(p, {"CLIP_stop_at_last_layers": 2})
    assert p.override_settings == {"CLIP_stop_at_last_layers": 2, "sd_vae": "chosen"}
    assert shared == {"sd_vae": "chosen"}


def test_an_option_that_the_request_names_stands_before_ours(override):
    p = request(CLIP_stop_at_last_layers=1)
    override(p, {"CLIP_stop_at_last_layers": 2})
    assert p.override_settings == {"CLIP_stop_at_last_layers": 1}


def test_what_nobody_saved_gets_its_default_to_go_back_to(override, opts):
    opts.data["sd_vae"] = "saved"
    override(request(), {"CLIP_stop_at_last_layers": 2, "sd_vae": "chosen"})
    assert opts.data == {"CLIP_stop_at_last_layers": 1, "sd_vae": "saved"}


def test_what_holds_anyway_is_not_set(override, opts):
    opts.data["sd_vae"] = "saved"
    p = request()
    override(p, {"CLIP_stop_at_last_layers": 1, "sd_vae": "saved"})
    assert p.override_settings == {}
    assert opts.data == {"sd_vae": "saved"}


@pytest.mark.parametrize(
    ("name", "files"),
    [("sharp.pt", [ENCODER, SHARP]), ("None", [ENCODER]), ("soft.pt", None), ("Automatic", None)],
)
def test_forge_takes_a_vae_as_one_of_its_additional_files(on, monkeypatch, name, files):
    listed = SimpleNamespace(module_list={"t5.pt": ENCODER})
    listed.refresh_models = lambda: listed.module_list.update({"soft.pt": SOFT, "sharp.pt": SHARP})
    monkeypatch.setitem(sys.modules, "modules_forge.main_entry", listed)
    opts = Options(FORGE_DEFAULTS)
    opts.data["forge_additional_modules"] = [ENCODER, SOFT]
    p = request()
    on(opts).override(p, {"sd_vae": name})
    assert p.override_settings == ({} if files is None else {"forge_additional_modules": files})
    assert opts.data == {"forge_additional_modules": [ENCODER, SOFT]}
    assert ("sharp.pt" in listed.module_list) == (name in ("sharp.pt", "soft.pt"))


OURS = {"CLIP_stop_at_last_layers": 2, "sd_vae": "ours"}


@pytest.mark.parametrize(
    ("requested", "kept"),
    [
        ({"sd_vae": "theirs"}, {"sd_vae": "theirs", "CLIP_stop_at_last_layers": 1}),
        ({}, {"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1}),
        (
            {"sd_model_checkpoint": "known"},
            {"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1, "sd_model_checkpoint": "known"},
        ),
    ],
)
def test_of_a_job_whose_options_stay_ours_go(override, opts, requested, kept):
    p = Request(requested, restores=False)
    override(p, OURS)
    assert process(p, opts) == {**OURS, **requested}
    assert {**DEFAULTS, **opts.data} == kept


def test_a_checkpoint_that_the_host_drops_is_not_set(override, opts):
    override(Request({"sd_model_checkpoint": "unknown"}, restores=False), OURS)
    assert "sd_model_checkpoint" not in opts.data


def test_a_job_whose_options_stay_is_left_alone_if_none_is_ours(override, opts):
    p = Request({"sd_vae": "theirs"}, restores=False)
    override(p, {"sd_vae": "ours", "CLIP_stop_at_last_layers": 1})
    assert not p.override_settings_restore_afterwards
    assert "theirs" not in opts.data.values()


def test_forge_sets_what_stays_itself(on, monkeypatch):
    """Its loader is told of a checkpoint there (seen: dfdcbab)."""
    told = []
    sysinfo = SimpleNamespace(set_config=lambda values, **how: told.append((values, how)))
    p = Request({"sd_model_checkpoint": "known"}, restores=False)
    overrides = on(Options(FORGE_DEFAULTS))
    monkeypatch.setitem(sys.modules, "modules.sysinfo", sysinfo)
    overrides.override(p, {"CLIP_stop_at_last_layers": 2})
    how = {"is_api": True, "run_callbacks": False, "save_config": False}
    assert told == [({"sd_model_checkpoint": "known"}, how)]
    assert p.override_settings_restore_afterwards


def test_ours_can_be_taken_back_while_the_job_runs(overrides, opts):
    p = request(sd_vae="theirs")
    overrides.override(p, OURS)
    opts.data.update(p.override_settings)
    overrides.take_back(p, [*OURS, "another"])
    assert p.override_settings == {"sd_vae": "theirs"}
    assert opts.data == {"sd_vae": "theirs", "CLIP_stop_at_last_layers": 1}
    overrides.take_back(request(), OURS)
    assert opts.data == {"sd_vae": "theirs", "CLIP_stop_at_last_layers": 1}


def test_of_a_request_that_is_done_its_own_options_are_left(overrides):
    p = request(sd_vae="theirs")
    overrides.override(p, OURS)
    p.override_settings["another"] = "theirs, too"
    overrides.forget(p)
    assert p.override_settings == {"sd_vae": "theirs", "another": "theirs, too"}
    overrides.forget(p)
    assert p.override_settings == {"sd_vae": "theirs", "another": "theirs, too"}

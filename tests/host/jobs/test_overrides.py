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


@pytest.fixture
def opts():
    return Options(DEFAULTS)


@pytest.fixture
def on(load_host_module, monkeypatch):
    """Return a function that gives ``override`` on a host with these options."""

    def load(opts):
        shared = SimpleNamespace(opts=opts)
        files = SimpleNamespace(vae_dict={"soft.pt": SOFT, "sharp.pt": SHARP})
        vae = load_host_module("machine/vae", paths=None, shared=shared, sd_vae=files)
        monkeypatch.setattr(fooocus_ext.host.machine, "vae", vae, raising=False)
        return load_host_module("jobs/overrides", shared=shared).override

    return load


@pytest.fixture
def override(on, opts):
    return on(opts)


def request(**overridden):
    return SimpleNamespace(override_settings=overridden)


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
    on(opts)(p, {"sd_vae": name})
    assert p.override_settings == ({} if files is None else {"forge_additional_modules": files})
    assert opts.data == {"forge_additional_modules": [ENCODER, SOFT]}
    assert ("sharp.pt" in listed.module_list) == (name in ("sharp.pt", "soft.pt"))

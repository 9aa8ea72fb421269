"""Options that hold for one job: which of them reach the host, and what it can take back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

DEFAULTS = {"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1}


class Options:
    """The host's options; ``data`` is what its settings file holds."""

    def __init__(self):
        self.data = {}

    def __getattr__(self, key):
        return self.data.get(key, DEFAULTS[key])

    def get_default(self, key):
        return DEFAULTS[key]


@pytest.fixture
def opts():
    return Options()


@pytest.fixture
def override(load_host_module, opts):
    return load_host_module("jobs/overrides", shared=SimpleNamespace(opts=opts)).override


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

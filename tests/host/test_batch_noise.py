"""The host's noise of a batch, and what another extension has put around it."""

from __future__ import annotations

from types import SimpleNamespace

from fooocus_ext.host.batch_noise import hosts_own, replaced


def test_the_hosts_noise_is_replaced_within_what_wraps_it():
    assert replaced("host's", str.upper) == "HOST'S"
    inner = SimpleNamespace(rng="host's")
    outer = SimpleNamespace(rng=inner)
    assert hosts_own(outer) == "host's"
    assert replaced(outer, str.upper) is outer
    assert outer.rng is inner
    assert hosts_own(outer) == "HOST'S"

"""The sizes that requests came with: of those requests alone, and no longer than they live."""

from __future__ import annotations

import copy
import gc
from types import SimpleNamespace

from fooocus_ext.host.asked_sizes import AskedSizes


class Request(SimpleNamespace):
    """A request that can be referred to weakly."""


def test_a_size_is_known_as_it_was_and_of_no_copy():
    sizes, p = AskedSizes(), Request(width=512, height=768)
    before = dict(vars(p))
    sizes.note(p)
    assert vars(p) == before
    p.width = 64
    assert sizes.of(p) == (512, 768)
    assert sizes.of(copy.copy(p)) is None


def test_nothing_is_kept_of_requests_that_are_gone():
    sizes = AskedSizes()
    for _ in range(50):
        sizes.note(Request(width=512, height=512))
    gc.collect()
    assert sizes._entries == {}

"""What is remembered of requests: of those requests alone, and no longer than they live."""

from __future__ import annotations

import copy
import gc
from types import SimpleNamespace

from fooocus_ext.host.by_request import ByRequest


class Request(SimpleNamespace):
    """A request that can be referred to weakly."""


def test_a_value_is_known_of_its_request_and_of_no_copy():
    sizes, p = ByRequest(), Request(width=512, height=768)
    before = dict(vars(p))
    assert sizes.of(p) is None
    sizes.note(p, (64, 64))
    sizes.note(p, (512, 768))
    assert vars(p) == before
    assert sizes.of(p) == (512, 768)
    assert sizes.of(copy.copy(p)) is sizes.take(copy.copy(p)) is None
    assert sizes.take(p) == (512, 768)
    assert sizes.of(p) is None


def test_nothing_is_kept_of_requests_that_are_gone():
    sizes = ByRequest()
    for _ in range(50):
        sizes.note(Request(width=512, height=512), (512, 512))
    gc.collect()
    assert sizes._entries == {}

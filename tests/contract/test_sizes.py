"""Sizes that scripts of the webui set, beside an aspect ratio of ours: no picture is made."""

from __future__ import annotations

import copy
import json

import pytest

from tests.contract import probes
from tests.contract.test_copies import inner_request

OURS = (704, 1408)
SIZE = {"enabled": True, "aspect_ratio": "704*1408"}


@pytest.fixture
def p(host):
    """A request for 64x64 as it comes to a script that will process it."""
    with probes.processing_objects(host) as objects:
        host.generate(steps=1, width=64, height=64)
    request = inner_request(host, objects[0])
    yield request
    request.close()


def settled(host, p, settings=SIZE):
    """Return the size in which a request is made, and whether a note says that a script has set it."""
    p.comments.clear()
    host.script.before_process(p, settings)
    return (p.width, p.height), any("the script's own size" in note for note in p.comments)


def test_a_request_that_is_made_again_has_the_same_size_and_no_note(host, p):
    """Loopback, and batches of img2img."""
    assert [settled(host, p) for _ in range(3)] == [(OURS, False)] * 3
    assert settled(host, copy.copy(p)) == (OURS, False)
    other = {**SIZE, "aspect_ratio": "1408*704"}
    assert settled(host, p, other) == ((1408, 704), False)
    assert settled(host, p, other) == ((1408, 704), False)


def test_what_is_remembered_of_sizes_does_not_keep_a_request_from_becoming_json(host, p):
    settled(host, p)
    remembered = [value for name, value in vars(p).items() if "fooocus_sizes" in name]
    assert remembered
    json.dumps(remembered)


@pytest.mark.parametrize("times", [0, 1])
def test_a_copy_that_is_given_a_size_keeps_it(host, p, times):
    """The X/Y/Z axis "Size", and --width in prompts from a file."""
    for _ in range(times):
        settled(host, p)
    cell = copy.copy(p)
    cell.width, cell.height = 128, 96
    assert settled(host, cell) == ((128, 96), True)
    again = copy.copy(cell)
    assert settled(host, again) == ((128, 96), True)
    assert settled(host, p) == (OURS, False)


def test_a_size_that_a_script_sets_between_two_rounds_is_kept(host, p):
    """Batches of img2img that are scaled, and outpainting."""
    settled(host, p)
    p.width = 96
    assert settled(host, p) == ((96, OURS[1]), True)
    p.width, p.height = 64, 64
    assert settled(host, p) == (OURS, False)

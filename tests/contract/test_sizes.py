"""Sizes that scripts of the webui set, beside an aspect ratio of ours: no picture is made."""

from __future__ import annotations

import copy
import json
import sys

import numpy as np
import pytest
from PIL import Image

from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import preset_from_json
from tests.contract import hosts, probes
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


def test_pieces_of_a_picture_keep_their_size(host, p):
    """SD upscale cuts the enlarged picture into pieces of the request's size, and sets none."""
    p.init_images = [Image.new("RGB", (64, 64))]
    host.script.setup(p)
    pieces = [Image.new("RGB", (64, 64)) for _ in range(2)]
    for p.init_images in ([piece] for piece in pieces):
        assert settled(host, p) == ((64, 64), True)


@pytest.mark.parametrize("first", ["same", "of a folder", "other size"])
def test_other_pictures_are_no_pieces(host, p, first):
    """The first is the request's own (Loopback), or it came without (batches of img2img)."""
    p.init_images = [None if first == "of a folder" else Image.new("RGB", (64, 64))]
    host.script.setup(p)
    if first != "same":
        p.init_images = [Image.new("RGB", (64, 64) if first == "of a folder" else (640, 64))]
    assert settled(host, p) == (OURS, False)
    p.init_images = [Image.new("RGB", OURS)]
    assert settled(host, p) == (OURS, False)


def test_a_picture_made_in_the_size_that_was_asked_for_is_no_piece(host, p):
    """Loopback, where the page has the aspect ratio's size."""
    p.width, p.height = OURS
    p.init_images = [Image.new("RGB", (64, 64))]
    host.script.setup(p)
    assert settled(host, p) == (OURS, False)
    p.init_images = [Image.new("RGB", OURS)]
    assert settled(host, p) == (OURS, False)


@pytest.mark.parametrize(
    ("kind", "chosen", "size", "keep"),
    [
        ("Txt2Img", {"preset": "tall"}, OURS, None),
        ("Img2Img", {"preset": "tall"}, (64, 96), "aspect_ratio"),
        ("Img2Img", {"preset": "tall", "aspect_ratio": "1408*704"}, (1408, 704), None),
        ("Img2Img", {"preset": "of no size"}, (64, 96), None),
    ],
)
@pytest.mark.reports_errors
def test_a_preset_leaves_a_picture_its_size(host, monkeypatch, kind, chosen, size, keep):
    """The buttons "Send to img2img" and "Send to inpaint" send the preset along."""
    assets = sys.modules["fooocus_ext.host.machine.assets"]
    tall = preset_from_json("tall", {"default_aspect_ratio": "704*1408"})
    sharp = preset_from_json("of no size", {"default_sample_sharpness": 3.0})
    library = PresetLibrary({**assets.presets().presets, tall.name: tall, sharp.name: sharp})
    monkeypatch.setattr(assets, "presets", lambda: library)
    asked = []

    def refuse(p, *_args):
        asked.append(((p.width, p.height), p.extra_generation_params.get("Fooocus keep")))
        raise RuntimeError("far enough")

    processing = getattr(host.modules.processing, f"StableDiffusionProcessing{kind}")
    monkeypatch.setattr(processing, "init", refuse)
    request = {"tab": kind.lower(), "width": 64, "height": 96}
    if kind == "Img2Img":
        request["init_images"] = [hosts.encode(np.zeros((96, 64, 3), np.uint8))]
    assert host.run(chosen, **request).status == 500
    assert asked == [(size, keep)]

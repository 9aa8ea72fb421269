"""The picture that the page sends along: whole, cut off, damaged, or none."""

from __future__ import annotations

import base64
import contextlib
import io
import random
from types import SimpleNamespace

import pytest
from PIL import Image

import fooocus_ext.host
from fooocus_ext.errors import RequestError

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")


@pytest.fixture
def selected_picture(load_host_module, monkeypatch):
    def from_text(text):
        if not text:
            return None
        assert text.startswith("data:")
        return Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2])))

    infotexts = SimpleNamespace(copypaste=SimpleNamespace(image_from_url_text=from_text))
    monkeypatch.setattr(fooocus_ext.host, "infotexts", infotexts, raising=False)
    return load_host_module("tab/selected").selected_picture


def stored(kind: str) -> bytes:
    stream = io.BytesIO()
    noise = Image.frombytes("RGB", (40, 30), random.Random(1).randbytes(3600))
    noise.save(stream, kind)
    return stream.getvalue()


def address(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_comes_with_its_pixels(selected_picture, kind):
    assert selected_picture(address(stored(kind))).size == (40, 30)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_that_is_cut_off_gets_a_readable_message(selected_picture, kind):
    whole = stored(kind)
    for length in range(0, len(whole) - 40, max(1, len(whole) // 40)):
        with contextlib.suppress(RequestError):
            selected_picture(address(whole[:length]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_picture_is_read_or_gets_a_readable_message(selected_picture, kind):
    rng, whole = random.Random(2), stored(kind)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(min(len(damaged), 300))] = rng.randrange(256)
        with contextlib.suppress(RequestError):
            selected_picture(address(bytes(damaged)))


@pytest.mark.parametrize("text", ["/etc/passwd", "data:image/png;base64,@@@", "data:"])
def test_what_is_no_picture_gets_a_readable_message(selected_picture, text):
    with pytest.raises(RequestError, match="cannot be read any more"):
        selected_picture(text)


def test_no_picture_gets_a_hint(selected_picture):
    with pytest.raises(RequestError, match="Make or select a picture first"):
        selected_picture("")

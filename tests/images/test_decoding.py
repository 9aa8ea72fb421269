"""Pictures that a client sends: what is read, what is refused, and that a bomb is never unpacked."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from fooocus_ext.errors import RequestError
from fooocus_ext.images import decoding

ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def two_colours() -> Image.Image:
    """Return a picture of 32x16 whose left half is red."""
    image = Image.new("RGB", (32, 16), "blue")
    image.paste("red", (0, 0, 16, 16))
    return image


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file that says it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", decoding.FORMATS)
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "\n ",
        "data:image/png;base64,",
        "data:;base64,",
        " data:image/jpg;base64,",
        "data:image/png;charset=utf-8;name=a.png;base64,",
        "DATA:application/octet-stream; BASE64,",
    ],
)
def test_a_picture_comes_out_of_base64(kind: str, prefix: str):
    text = base64.b64encode(encoded(two_colours(), kind)).decode()
    lines = "\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    image = decoding.from_base64(prefix + lines, "image")
    assert (image.size, image.mode) == ((32, 16), "RGB")
    assert np.abs(np.asarray(image).astype(int) - np.asarray(two_colours())).mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_set_upright(orientation: int):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = decoding.from_bytes(encoded(two_colours(), exif=exif), "image")
    assert image.size == ((32, 16) if orientation < 5 else (16, 32))
    red_corner = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom"}
    where = red_corner.get(orientation, "bottom")
    spots = {"left": (1, 1), "right": (-2, 1), "top": (1, 1), "bottom": (1, -2)}
    x, y = spots[where]
    assert image.getpixel((x % image.width, y % image.height)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16", "CMYK"])
def test_every_mode_becomes_rgb_with_8_bits(mode: str):
    grey = np.linspace(0, 255, 32 * 16).reshape(16, 32)
    if mode in ("I", "I;16"):
        dtype = np.uint16 if mode == "I;16" else np.int32
        image, kind = Image.fromarray((grey * 257).astype(dtype)), "PNG"
    else:
        image = Image.fromarray(grey.astype(np.uint8)).convert(mode)
        kind = "JPEG" if mode == "CMYK" else "PNG"
    found = decoding.opaque(decoding.from_bytes(encoded(image, kind), "image"))
    assert found.mode == "RGB"
    difference = np.asarray(found).astype(float)[..., 0] - grey
    assert abs(difference).mean() < (100 if mode == "1" else 8)


def test_transparency_is_laid_on_white_or_becomes_a_mask():
    image = two_colours().convert("RGBA")
    image.putalpha(Image.new("L", (32, 16), 255))
    image.putpixel((0, 0), (10, 20, 30, 0))
    read = decoding.from_bytes(encoded(image), "image")
    assert decoding.opaque(read).getpixel((0, 0)) == (255, 255, 255)
    mask = decoding.transparency(read)
    assert (mask.getpixel((0, 0)), mask.getpixel((1, 0))) == (255, 0)


def test_a_palette_s_transparent_colour_is_transparency():
    image = two_colours().convert("P")
    content = encoded(image, transparency=image.getpixel((0, 0)))
    assert decoding.opaque(decoding.from_bytes(content, "x")).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((30_000, 30_000), "at most 67108864 pixels"),
        ((10_000, 10_000), "got 10000x10000 pixels; allowed: sides from 16 to 16384"),
        ((20_000, 16), "got 20000x16 pixels"),
        ((15, 16), "got 15x16 pixels"),
        ((0, 0), "allowed: a picture in PNG, JPEG, WEBP"),
    ],
)
def test_sizes_beyond_the_limits_are_refused_unread(monkeypatch, size, words):
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("it was unpacked"))
    with pytest.raises(RequestError) as refusal:
        decoding.from_bytes(bomb(*size), "mask")
    assert refusal.value.detail.startswith("mask: ")
    assert words in refusal.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://127.0.0.1/a.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "C:\\pictures\\a.png",
        "data:text/html;base64,AAAA",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "AAAA",
        "\u00e4",
        base64.b64encode(b"GIF89a" + bytes(100)).decode(),
        base64.b64encode(encoded(two_colours())[:60]).decode(),
    ],
)
def test_what_is_no_picture_is_refused_by_name(text: str):
    with pytest.raises(RequestError) as refusal:
        decoding.from_base64(text, "image")
    assert refusal.value.detail.startswith("image: ")
    assert "allowed: a picture in PNG, JPEG, WEBP, as base64" in refusal.value.detail
    assert "BytesIO" not in refusal.value.detail


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(100)])
def test_a_file_of_another_kind_is_said_to_be_no_picture(content: bytes):
    with pytest.raises(RequestError, match=r"^image: it is no picture; allowed: a picture in PNG"):
        decoding.from_bytes(content, "image")


def test_a_file_that_is_too_long_is_refused_undecoded(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    with pytest.raises(RequestError, match="at most 100 bytes"):
        decoding.from_base64("A" * 2000, "image")
    with pytest.raises(RequestError, match="at most 100 bytes"):
        decoding.from_bytes(bytes(101), "image")


@given(st.data())
def test_a_file_with_damage_is_a_picture_or_a_refusal(data):
    kind = data.draw(st.sampled_from(decoding.FORMATS))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = bytearray(encoded(two_colours(), kind, exif=exif))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decoding.from_bytes(bytes(content), "image")
    except RequestError:
        return
    assert image.mode in ("RGB", "RGBA")


def segments(jpeg: bytes) -> list[bytes]:
    """Return the segments of a JPEG, each with what follows it up to the next; the end is left out."""
    parts, at = [], 2
    while jpeg[at + 1] != 0xD9:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        while jpeg[end] != 0xFF or jpeg[end + 1] == 0:
            end += 1
        parts.append(jpeg[at:end])
        at = end
    return parts


def of_scans(count: int, before: bytes = b"", behind: bytes = b"") -> bytes:
    """Return a JPEG whose last scan is repeated until there are ``count``."""
    parts = segments(encoded(two_colours(), "JPEG", progressive=True))
    scans = sum(part[1] == 0xDA for part in parts)
    repeated = parts[-1] * (count - scans)
    return b"".join([b"\xff\xd8", before, *parts, repeated, b"\xff\xd9", behind])


def test_a_jpeg_of_endless_scans_is_refused_undecoded(monkeypatch):
    most = decoding.MAX_SCANS
    assert decoding.from_bytes(of_scans(most), "image").size == (32, 16)
    contents = [
        of_scans(most + 1),
        of_scans(most + 1, before=b"\xff\xe1\x00\x04ab"),
        of_scans(most + 1).replace(b"\xff\xda", b"\xff\xff\xda"),
        of_scans(most + 1, before=b"\xff\xfe\x00\x02junk"),
    ]
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _image: pytest.fail("it was decoded"))
    for content in contents:
        with pytest.raises(RequestError, match=rf"image: allowed: a JPEG of at most {most} scans"):
            decoding.from_bytes(content, "image")


def test_what_looks_like_a_scan_elsewhere_in_a_jpeg_is_none():
    looks = b"\xff\xda" * 1000
    thumbnail = b"\xff\xe1" + (len(looks) + 2).to_bytes(2, "big") + looks
    for content in (of_scans(20, before=thumbnail), of_scans(20, behind=looks)):
        assert decoding.from_bytes(content, "image").size == (32, 16)


def test_filling_bytes_without_an_end_are_looked_through_once():
    """A search that began anew at each of them would take hours."""
    many = of_scans(20, before=b"\xff\xfe" + (202).to_bytes(2, "big") + b"\xff\xda" * 100)
    assert decoding.from_bytes(many + b"\xff" * 4_000_000, "image").size == (32, 16)
    with pytest.raises(RequestError, match="truncated"):
        decoding.from_bytes(many[:-2] + b"\xff" * 4_000_000, "image")

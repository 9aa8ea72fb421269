"""Texts of every language in picture files, whoever wrote them and in whichever byte order."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile, PngInfo
from PIL.WebPImagePlugin import WebPImageFile

from fooocus_ext.metadata.picture_file import picture_text

EXIF_FOLDER, USER_COMMENT = 0x8769, 0x9286
IMAGE_METADATA = (
    Path(__file__).parents[2] / "embedded_webui" / "webui" / "modules" / "image_metadata.py"
)
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
PROMPTS = {
    "Russian": "рыжий кот на крыше",
    "Japanese": "一一一一一一一一一一一一一一一一一一一一一一一一一一一一一一一匹の猫、屋根の上",
    "ideographic spaces": "\u3000" * 80 + "猫",
    "emoji": "🐈🏠 cat",
    "curly quotes": "\u201ccat\u201d on a roof",
    "Greek": "γάτα",
    "Hindi": "बिल्ली",
    "Arabic": "قطة على السطح",
    "Korean": "지붕 위의 고양이",
    "Latin": "a cat",
    "accents": "Ärger über Łódź, ā",
}
ORDERS = {
    "big-endian": lambda text: text.encode("utf-16-be"),
    "little-endian": lambda text: text.encode("utf-16-le"),
    "marked big-endian": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "marked little-endian": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
}


def exif_of(comment: bytes) -> bytes:
    exif = Image.Exif()
    exif[EXIF_FOLDER] = {USER_COMMENT: comment}
    return exif.tobytes()


def commented(file_format: str, comment: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, file_format, exif=exif_of(comment))
    return stream.getvalue()


@pytest.fixture
def host_images(monkeypatch):
    """Return the embedded webui's module that saves pictures, on a stand-in for its options."""
    package, shared = ModuleType("modules"), ModuleType("modules.shared")
    shared.opts = SimpleNamespace()
    package.shared = shared
    monkeypatch.setitem(sys.modules, "modules", package)
    monkeypatch.setitem(sys.modules, "modules.shared", shared)
    spec = importlib.util.spec_from_file_location("host_image_metadata", IMAGE_METADATA)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("language", PROMPTS)
def test_a_text_in_any_language_and_byte_order_is_read(language, order, file_format):
    text = f"{PROMPTS[language]}\n{SETTINGS}"
    raw = commented(file_format, b"UNICODE\0" + ORDERS[order](text))
    assert picture_text(raw)[0] == text


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("language", ["Russian", "Greek", "Hindi", "Korean", "Latin", "accents"])
def test_a_text_without_settings_is_read_too(language, order):
    text = PROMPTS[language]
    assert picture_text(commented("JPEG", b"UNICODE\0" + ORDERS[order](text)))[0] == text


@pytest.mark.parametrize("extension", [".png", ".jpg", ".jpeg", ".webp"])
@pytest.mark.parametrize("language", PROMPTS)
def test_what_the_webui_saves_is_read(host_images, tmp_path, language, extension):
    text = f"{PROMPTS[language]}\nNegative prompt: {PROMPTS[language]}\n{SETTINGS}"
    path = tmp_path / f"picture{extension}"
    host_images.save_image_with_geninfo(Image.new("RGB", (16, 16)), text, str(path))
    assert picture_text(path)[0] == text
    assert picture_text(path.read_bytes())[0] == text


written = st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"]), max_size=60).filter(
    lambda text: not text.startswith("\ufeff")
)


@given(written, st.sampled_from(["utf-16-be", "utf-16-le"]))
def test_any_prompt_before_settings_is_read(prompt, encoding):
    text = f"{prompt}\n{SETTINGS}"
    raw = commented("JPEG", b"UNICODE\0" + text.encode(encoding))
    assert picture_text(raw)[0] == text


def chunks_of(raw: bytes) -> list[bytes]:
    """Return the parts of a PNG, from its signature to its end."""
    parts, at = [raw[:8]], 8
    while at < len(raw):
        end = at + int.from_bytes(raw[at : at + 4], "big") + 12
        parts.append(raw[at:end])
        at = end
    return parts


def png(behind: tuple[bytes, ...] = (), **saved) -> bytes:
    """Return a PNG whose chunks of the types ``behind`` are behind its pixels."""
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "PNG", **saved)
    *parts, end = chunks_of(stream.getvalue())
    moved = [part for part in parts if part[4:8] in behind]
    return b"".join([*(part for part in parts if part not in moved), *moved, end])


def png_texts(key: str, text: str) -> PngInfo:
    info = PngInfo()
    info.add_text(key, text, zip=True)
    return info


EXIF_TEXT = b"ASCII\0\0\0" + SETTINGS.encode()
PICTURES = {
    "PNG": png(),
    "PNG with a text": png(pnginfo=png_texts("parameters", SETTINGS)),
    "PNG with a text behind its pixels": png((b"zTXt",), pnginfo=png_texts("parameters", SETTINGS)),
    "PNG with EXIF": png(exif=exif_of(EXIF_TEXT)),
    "PNG with EXIF behind its pixels": png((b"eXIf",), exif=exif_of(EXIF_TEXT)),
    "PNG with EXIF in a text behind its pixels": png(
        (b"zTXt",),
        pnginfo=png_texts("Raw profile type exif", f"\nexif\n9\n{exif_of(EXIF_TEXT).hex()}"),
    ),
    "JPEG": commented("JPEG", b""),
    "JPEG with EXIF": commented("JPEG", EXIF_TEXT),
    "WEBP": commented("WEBP", b""),
    "WEBP with EXIF": commented("WEBP", EXIF_TEXT),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_read_without_its_pixels(kind, monkeypatch, tmp_path):
    def unpack(_image):
        raise AssertionError("the pixels are unpacked")

    for reader in (ImageFile, PngImageFile, WebPImageFile):
        monkeypatch.setattr(reader, "load", unpack)
    path = tmp_path / "picture"
    path.write_bytes(PICTURES[kind])
    expected = (SETTINGS if "with" in kind else None), None
    assert picture_text(PICTURES[kind]) == picture_text(path) == expected


def test_other_formats_carry_no_text():
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "TIFF", exif=exif_of(EXIF_TEXT))
    assert picture_text(stream.getvalue()) == (None, None)


def test_a_png_that_is_cut_off_still_has_what_came_before():
    raw = png(pnginfo=png_texts("parameters", SETTINGS))
    end = raw.index(b"IDAT") + 6
    assert picture_text(raw[:end])[0] == SETTINGS
    assert [picture_text(raw[:length])[0] for length in range(60)] == [None] * 60


def test_no_other_format_is_looked_into():
    exif = Image.Exif()
    exif[USER_COMMENT] = EXIF_TEXT
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "TIFF", exif=exif)
    assert picture_text(stream.getvalue()) == (None, None)

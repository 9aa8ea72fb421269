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


def commented(file_format: str, comment: bytes) -> bytes:
    exif = Image.Exif()
    exif[EXIF_FOLDER] = {USER_COMMENT: comment}
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, file_format, exif=exif.tobytes())
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

"""The text that a picture carries: PNG text chunks, or the EXIF comment of JPEG and WebP."""

from __future__ import annotations

import io
import os
import struct
import unicodedata
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
"""The last is read where Pillow has it, or a plugin for it."""
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
_PNG_CHUNKS = (b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"eXIf")
"""What of a PNG is read: its size, its texts and its EXIF."""
_EXIF_FOLDER = 0x8769
_USER_COMMENT = 0x9286
_MAKER_NOTE = 0x927C
_PREFIX_LENGTH = 8
_BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")
_SEPARATORS = " \n:,"
_NOT_WRITTEN = ("Cc", "Cn", "Co", "Cs")
_SAMPLE = 2_000
# What Pillow raises for files that are cut off, lie about their sizes or are not pictures.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)


def picture_text(source: Path | bytes) -> tuple[str | None, str | None]:
    """Return a picture's parameters text and, if Fooocus wrote it, the name of its scheme.

    Its pixels are never unpacked. A file that is no picture of ``FORMATS``, or a broken one, carries no
    text.

    Args:
        source: a file, or a file's content.
    """
    try:
        with (
            io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream,
            Image.open(_without_pixels(stream), formats=FORMATS) as image,
        ):
            return _text_of(image)
    except UNREADABLE:
        return None, None


def _without_pixels(stream: BinaryIO) -> BinaryIO:
    """Return what a PNG says, before and behind its pixels, as a PNG without any; else the file itself.

    Pillow would unpack the pixels in search of what is behind them.
    """
    if stream.read(len(_PNG)) != _PNG:
        stream.seek(0)
        return stream
    kept = [_PNG]
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in _PNG_CHUNKS:
            kept += (head, stream.read(length + 4))  # its content, and a checksum
        elif kind == b"IEND":
            break
        else:
            stream.seek(length + 4, os.SEEK_CUR)
    return io.BytesIO(b"".join([*kept, _PNG_END]))


def _text_of(image: Image.Image) -> tuple[str | None, str | None]:
    parameters = image.info.get("parameters")
    if isinstance(parameters, str):
        return parameters[:MAX_SOURCE_LENGTH], _as_text(image.info.get("fooocus_scheme"))
    exif = Image.Image.getexif(image)  # that of a PNG unpacks its pixels first
    nested = exif.get_ifd(_EXIF_FOLDER)
    comment = exif.get(_USER_COMMENT) or nested.get(_USER_COMMENT)
    scheme = exif.get(_MAKER_NOTE) or nested.get(_MAKER_NOTE)
    return _as_text(comment), _as_text(scheme)


def _as_text(value: Any) -> str | None:
    """Decode an EXIF text; its first 8 bytes may name the encoding."""
    if isinstance(value, str):
        return value[:MAX_SOURCE_LENGTH]
    if not isinstance(value, bytes) or not value:
        return None
    raw = value[: 2 * MAX_SOURCE_LENGTH]
    prefix, rest = raw[:_PREFIX_LENGTH], raw[_PREFIX_LENGTH:]
    if prefix == b"UNICODE\0":
        return _as_utf_16(rest)
    text = rest if prefix in (b"ASCII\0\0\0", b"\0" * _PREFIX_LENGTH) else raw
    return text.decode("utf-8", errors="replace").rstrip("\0")


def _as_utf_16(raw: bytes) -> str:
    """Decode UTF-16 of either byte order.

    Writers disagree on the order, and few leave a mark. Every text of settings has blanks, colons and
    line breaks, whatever its language is; with their bytes swapped these are characters that nobody
    writes. A text without any is in the order in which fewer of its characters are none at all, then
    in that with fewer alphabets, then in the webui's.
    """
    if raw[:2] in _BYTE_ORDER_MARKS:
        return raw.decode("utf-16", errors="replace")
    big, little = (raw.decode(name, errors="replace") for name in ("utf-16-be", "utf-16-le"))
    return little if _oddity(little) < _oddity(big) else big


def _oddity(text: str) -> tuple[int, int, int]:
    """Return a figure that is lower for texts that somebody may have written."""
    separators = sum(text.count(mark) for mark in _SEPARATORS)
    sample = text[:_SAMPLE]
    not_written = sum(unicodedata.category(character) in _NOT_WRITTEN for character in sample)
    return -separators, not_written + sample.count("\ufffd"), len({ord(c) >> 8 for c in sample})

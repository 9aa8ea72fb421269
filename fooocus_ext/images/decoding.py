"""Pictures that a client sends: read within limits, upright, and without transparency."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fooocus_ext.errors import RequestError

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 32 * 1024 * 1024
"""Of a picture's file."""
MAX_PIXELS = 8192 * 8192
SMALLEST_SIDE = 16
LONGEST_SIDE = 16384
MAX_SCANS = 100
"""Of a JPEG: each is a pass over the whole picture, however few bytes it has; usual are 1 to 14."""
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_SCAN, _END = 0xDA, 0xD9
_WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xDE), *range(0xE0, 0xF0), 0xFE})
"""Markers that a JPEG's reader goes on behind by the length that follows them."""
_ADDRESS = re.compile(r"\s*data:[^,]{0,200}; *base64,", re.IGNORECASE)
"""Whatever it says of its content (``image/jpg``, a charset): what that is, its bytes tell."""
_WHITE = "white"
_BROKEN = (OSError, ValueError, SyntaxError, LookupError, TypeError, struct.error, zlib.error)
"""What Pillow's readers raise is whatever a broken file leads them to."""


def from_base64(text: str, field: str) -> Image.Image:
    """Return the picture in a text of base64, or in a data address (``data:image/png;base64,...``).

    No other address is understood: nothing is fetched, and no file is opened.

    Args:
        text: as sent; it may have line breaks.
        field: the name of what was sent, for messages.

    Raises:
        RequestError: it is no base64 of a picture, or exceeds a limit.
    """
    start = _ADDRESS.match(text)
    encoded = text[start.end() :] if start else text
    if len(encoded) > MAX_BYTES // 3 * 4 + 1024:
        raise RequestError(f"{field}: allowed: a file of at most {MAX_BYTES} bytes.")
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable(field, "it is no base64") from None
    return from_bytes(content, field)


def from_bytes(content: bytes, field: str) -> Image.Image:
    """Return the picture in a file's bytes, upright, in RGB or RGBA; of several frames, the first.

    How large it is, its header says; it is unpacked only if that is within the limits.

    Raises:
        RequestError: it is no picture, cut off, or exceeds a limit.
    """
    if len(content) > MAX_BYTES:
        raise RequestError(f"{field}: allowed: a file of at most {MAX_BYTES} bytes.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            refuse_size(image.size, field)
            if _has_more_scans(content):
                raise RequestError(f"{field}: allowed: a JPEG of at most {MAX_SCANS} scans.")
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except RequestError:
        raise
    except Image.DecompressionBombError:
        raise RequestError(f"{field}: allowed: at most {MAX_PIXELS} pixels.") from None
    except UnidentifiedImageError:  # whose text names an object in memory
        raise _unreadable(field, "it is no picture") from None
    except _BROKEN as error:
        raise _unreadable(field, str(error) or type(error).__name__) from None


def opaque(image: Image.Image) -> Image.Image:
    """Return a picture in RGB, its transparent parts laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    whole = Image.new("RGBA", image.size, _WHITE)
    whole.alpha_composite(image)
    return whole.convert("RGB")


def transparency(image: Image.Image) -> Image.Image:
    """Return a mask of a picture in RGBA: the brighter, the more transparent it is there."""
    return ImageOps.invert(image.getchannel("A"))


def refuse_size(size: tuple[int, int], field: str) -> None:
    """Raise RequestError if a picture of (width, height) ``size`` is too small or too large to be edited."""
    within = all(SMALLEST_SIDE <= side <= LONGEST_SIDE for side in size)
    if not within or size[0] * size[1] > MAX_PIXELS:
        raise RequestError(
            f"{field}: got {size[0]}x{size[1]} pixels; allowed: sides from {SMALLEST_SIDE} to "
            f"{LONGEST_SIDE}, and at most {MAX_PIXELS} pixels in all."
        )


def _has_more_scans(content: bytes) -> bool:
    """Whether a JPEG's segments have more scans than allowed; no other file's are looked through."""
    if not content.startswith(b"\xff\xd8") or content.count(bytes([0xFF, _SCAN])) <= MAX_SCANS:
        return False
    scans, at = 0, 2
    while scans <= MAX_SCANS and (found := _MARKER.search(content, at)):
        at = found.end()
        marker = found[1][0]
        scans += marker == _SCAN
        if marker == _END:
            break
        if marker in _WITH_LENGTH:
            at += int.from_bytes(content[at : at + 2], "big")
    return scans > MAX_SCANS


def _plain(image: Image.Image) -> Image.Image:
    """Return a picture of any mode in RGB or RGBA, with 8 bits to a channel."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        deep = np.asarray(image, dtype=np.float64)
        return Image.fromarray((deep / 257).clip(0, 255).round().astype(np.uint8)).convert("RGB")
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _unreadable(field: str, why: str) -> RequestError:
    return RequestError(
        f"{field}: {why[:200]}; allowed: a picture in {', '.join(FORMATS)}, as base64 or as a data address."
    )

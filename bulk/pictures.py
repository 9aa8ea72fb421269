"""What is in a picture's file."""

from __future__ import annotations

import hashlib
import io
from typing import NamedTuple

from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"


class Facts(NamedTuple):
    """What a PNG file holds: sums of its bytes and of its pixels alone, its size in pixels, its infotext."""

    sha256: str
    pixels_sha256: str
    width: int
    height: int
    infotext: str


def read_png(content: bytes) -> Facts:
    """Return the facts of a PNG file, every pixel of which is decoded.

    Raises:
        ValueError: it is no PNG file, or a broken one.
    """
    if not content.startswith(PNG_SIGNATURE):
        raise ValueError("is no PNG file")
    if not content.endswith(PNG_END):  # Pillow may have enough with less
        raise ValueError("is no whole PNG file")
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            header = f"{image.mode} {image.width} {image.height}\n".encode()
            pixels = hashlib.sha256(header + image.tobytes()).hexdigest()
            infotext = str(image.info.get("parameters", ""))
            width, height = image.size
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"is no whole PNG file: {error}") from error
    return Facts(hashlib.sha256(content).hexdigest(), pixels, width, height, infotext)

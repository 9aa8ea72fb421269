"""Infotext inside picture files; doubles the metadata half of the host's `modules/images.py`.

PNG keeps it in a text chunk called "parameters", JPEG and WebP in EXIF's UserComment (eight bytes
that name the encoding, then UTF-16), GIF in its comment.
"""

from __future__ import annotations

import os

from PIL import Image, PngImagePlugin

from modules import shared

EXIF_IFD = 0x8769
USER_COMMENT = 0x9286
_UNICODE = b"UNICODE\x00"
_ENCODINGS = {b"ASCII\x00\x00\x00": "ascii", b"JIS\x00\x00\x00\x00\x00": "shift_jis"}

IGNORED_INFO_KEYS = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "exif", "loop", "background",
    "timestamp", "duration", "progressive", "progression", "icc_profile", "chromaticity",
    "photoshop",
}  # fmt: skip


def exif_with_comment(text: str) -> bytes:
    """EXIF data whose only entry is the UserComment `text`."""
    exif = Image.Exif()
    exif[EXIF_IFD] = {USER_COMMENT: _UNICODE + text.encode("utf-16-be")}
    return exif.tobytes()


def comment_from_exif(data: bytes) -> str:
    """The UserComment in EXIF `data`; "" where there is none or the data is not EXIF."""
    exif = Image.Exif()
    try:
        exif.load(data)
        raw = exif.get_ifd(EXIF_IFD).get(USER_COMMENT, b"")
    except (SyntaxError, OSError, ValueError):
        return ""
    if isinstance(raw, str):
        return raw
    if raw[:8] == _UNICODE:
        return raw[8:].decode("utf-16-be", errors="ignore")
    if raw[:8] in _ENCODINGS:
        return raw[8:].decode(_ENCODINGS[raw[:8]], errors="ignore")
    return raw.decode("utf8", errors="ignore")


def save_image_with_geninfo(
    image: Image.Image,
    geninfo: str | None,
    filename: str,
    extension: str | None = None,
    existing_pnginfo: dict[str, str] | None = None,
    pnginfo_section_name: str = "parameters",
) -> None:
    """Writes `image` to `filename` in the format of `extension` (with its dot), `geninfo` inside.

    Raises KeyError for an extension Pillow does not know, OSError where the file cannot be written.
    """
    extension = (extension or os.path.splitext(filename)[1]).lower()
    image_format = Image.registered_extensions()[extension]
    quality = int(getattr(shared.opts, "jpeg_quality", 80))
    with_info = bool(getattr(shared.opts, "enable_pnginfo", True))
    if extension == ".png":
        chunks = _text_chunks(geninfo, existing_pnginfo, pnginfo_section_name)
        image.save(filename, format=image_format, pnginfo=chunks if with_info else None)
    elif extension in (".jpg", ".jpeg", ".webp"):
        exif = exif_with_comment(geninfo) if with_info and geninfo is not None else b""
        lossless = bool(getattr(shared.opts, "webp_lossless", False))
        image = _without_alpha(image, webp=extension == ".webp")
        image.save(filename, format=image_format, quality=quality, lossless=lossless, exif=exif)
    elif extension == ".gif":
        image.save(filename, format=image_format, comment=geninfo or "")
    else:
        image.save(filename, format=image_format, quality=quality)


def _text_chunks(
    geninfo: str | None, existing: dict[str, str] | None, section: str
) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for key, value in {**(existing or {}), section: geninfo}.items():
        if value is not None:
            chunks.add_text(key, str(value))
    return chunks


def _without_alpha(image: Image.Image, webp: bool) -> Image.Image:
    if image.mode == "RGBA":
        return image.convert("RGB")
    if image.mode == "I;16":
        return image.point(lambda value: value * (255 / 65535)).convert("RGB" if webp else "L")
    return image


def read_info_from_image(image: Image.Image) -> tuple[str | None, dict]:
    """(infotext or None, the other text entries of the file that `image` was read from)."""
    items = dict(image.info or {})
    geninfo = items.pop("parameters", None)
    if "exif" in items:
        geninfo = comment_from_exif(items["exif"]) or geninfo
    elif "comment" in items:
        comment = items["comment"]
        geninfo = comment.decode("utf8", errors="ignore") if isinstance(comment, bytes) else comment
    for key in IGNORED_INFO_KEYS:
        items.pop(key, None)
    return geninfo, items

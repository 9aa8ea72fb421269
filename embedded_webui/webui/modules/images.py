"""Saving, reading, resizing and tiling pictures; doubles the host's `modules/images.py`.

Not here: `split_grid`, `combine_grid`, `draw_grid_annotations`, `draw_prompt_matrix` (nothing in
this host calls them), patterns of file names, the second copy of large pictures as JPEG, and AVIF,
which needs a plugin.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import math
import os
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor, ImageOps

from embedded_webui.files import replace_file
from modules import script_callbacks, shared
from modules.image_metadata import (
    IGNORED_INFO_KEYS,
    read_info_from_image,
    save_image_with_geninfo,
)

__all__ = [
    "IGNORED_INFO_KEYS", "LANCZOS", "fix_image", "fix_png_transparency", "flatten", "image_data",
    "image_grid", "read", "read_info_from_image", "resize_image", "save_image",
    "save_image_with_geninfo",
]  # fmt: skip

logger = logging.getLogger("fooocus.embedded")
LANCZOS = Image.Resampling.LANCZOS
INVALID_CHARACTERS = '#<>:"/\\|?*\n\r\t'
MAXIMUM_PART_LENGTH = 128
_LARGEST_SIDE = {"jpg": 65535, "jpeg": 65535, "webp": 16383}


def _option(name: str, default: Any) -> Any:
    return getattr(shared.opts, name, default)


def _grid_rows(count: int, batch_size: int) -> int:
    wanted = int(_option("n_rows", -1))
    if wanted > 0:
        return wanted
    if wanted == 0:
        return batch_size
    if not _option("grid_prevent_empty_spots", False):
        return round(math.sqrt(count))
    return next(rows for rows in range(math.isqrt(count), 0, -1) if count % rows == 0)


def image_grid(
    imgs: list[Image.Image], batch_size: int = 1, rows: int | None = None
) -> Image.Image:
    """All `imgs` on one RGB sheet, row by row, smaller ones centred in their cell."""
    rows = min(rows or _grid_rows(len(imgs), batch_size), len(imgs))
    params = script_callbacks.ImageGridLoopParams(imgs, math.ceil(len(imgs) / rows), rows)
    script_callbacks.image_grid_callback(params)
    width = max(image.width for image in imgs)
    height = max(image.height for image in imgs)
    background = ImageColor.getcolor(_option("grid_background_color", "#ffffff"), "RGB")
    grid = Image.new("RGB", (params.cols * width, params.rows * height), background)
    for index, image in enumerate(params.imgs):
        left = index % params.cols * width + (width - image.width) // 2
        top = index // params.cols * height + (height - image.height) // 2
        grid.paste(image, (left, top))
    return grid


def resize_image(
    resize_mode: int,
    im: Image.Image,
    width: int,
    height: int,
    upscaler_name: str | None = None,
) -> Image.Image:
    """`im` at `width` x `height`.

    resize_mode 0 stretches, 1 fills and crops the excess, 2 fits and fills the borders with the
    picture's own edge pixels.
    """
    upscaler_name = upscaler_name or _option("upscaler_for_img2img", None)
    if resize_mode == 0:
        return _scale(im, width, height, upscaler_name)
    wider = width / height > im.width / im.height
    keep_width = wider if resize_mode == 1 else not wider
    inner_width = width if keep_width else im.width * height // im.height
    inner_height = im.height * width // im.width if keep_width else height
    inner = _scale(im, inner_width, inner_height, upscaler_name)
    result = Image.new("RGB", (width, height))
    left, top = width // 2 - inner_width // 2, height // 2 - inner_height // 2
    result.paste(inner, (left, top))
    if resize_mode != 1:
        _fill_borders(result, inner, left, top)
    return result


def _scale(im: Image.Image, width: int, height: int, upscaler_name: str | None) -> Image.Image:
    factor = max(width / im.width, height / im.height)
    if upscaler_name not in (None, "None") and im.mode != "L" and factor > 1.0:
        matching = [item for item in shared.sd_upscalers if item.name == upscaler_name]
        upscaler = (matching or shared.sd_upscalers)[0]
        if not matching:
            logger.warning("no upscaler named %r; using %s", upscaler_name, upscaler.name)
        im = upscaler.scaler.upscale(im, factor, upscaler.data_path)
    return im if im.size == (width, height) else im.resize((width, height), resample=LANCZOS)


def _fill_borders(result: Image.Image, inner: Image.Image, left: int, top: int) -> None:
    if top > 0:
        first, last = (0, 0, inner.width, 0), (0, inner.height, inner.width, inner.height)
        result.paste(inner.resize((result.width, top), box=first), (0, 0))
        result.paste(inner.resize((result.width, top), box=last), (0, top + inner.height))
    elif left > 0:
        first, last = (0, 0, 0, inner.height), (inner.width, 0, inner.width, inner.height)
        result.paste(inner.resize((left, result.height), box=first), (0, 0))
        result.paste(inner.resize((left, result.height), box=last), (left + inner.width, 0))


def save_image(
    image: Image.Image,
    path: str,
    basename: str,
    seed: Any = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = "parameters",
    p: Any = None,
    existing_info: dict[str, str] | None = None,
    forced_filename: str | None = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    """Saves `image` below `path`; returns its full path and that of its text file, or None.

    The callbacks before_image_saved (which may change picture, name and info) and image_saved run;
    `image.already_saved_as` then tells the page to serve that file instead of a temporary one.
    """
    if max(image.size) > _LARGEST_SIDE.get(extension.lower(), max(image.size)):
        logger.warning("%dx%d is too large for %s; saving as PNG", *image.size, extension)
        extension = "png"
    if save_to_dirs is None:
        in_folders = bool(_option("save_to_dirs", True)) and not no_prompt
        save_to_dirs = bool(_option("grid_save_to_dirs", True)) if grid else in_folders
    if save_to_dirs:
        path = os.path.join(path, dt.datetime.now().astimezone().strftime("%Y-%m-%d"))
    os.makedirs(path, exist_ok=True)
    stem = forced_filename
    if stem is None:
        plain = short_filename or seed is None
        decoration = suffix if plain else _decoration(seed, prompt) + suffix
        stem = _numbered_stem(path, basename, decoration, extension)
    pnginfo = dict(existing_info or {})
    if info is not None:
        pnginfo[pnginfo_section_name] = info
    filename = os.path.join(path, f"{stem}.{extension}")
    params = script_callbacks.ImageSaveParams(image, p, filename, pnginfo)
    script_callbacks.before_image_saved_callback(params)
    geninfo = params.pnginfo.get(pnginfo_section_name)
    params.filename = _write(params, geninfo, pnginfo_section_name)
    image.already_saved_as = params.image.already_saved_as = params.filename
    text_file = _write_text(params.filename, geninfo)
    script_callbacks.image_saved_callback(params)
    return params.filename, text_file


def _decoration(seed: Any, prompt: str | None) -> str:
    """The seed; the prompt too, where no folder of the day says which pictures belong together."""
    if prompt is None or _option("save_to_dirs", True):
        return str(seed)
    text = prompt.translate({ord(character): "_" for character in INVALID_CHARACTERS})
    return f"{seed}-{text.lstrip(' ')[:MAXIMUM_PART_LENGTH].rstrip(' .')}"


def _next_number(path: str, basename: str) -> int:
    """One more than the highest number that starts a file's name in `path`; 0 for no file."""
    prefix = f"{basename}-" if basename else ""
    starts = (
        os.path.splitext(name[len(prefix) :])[0].split("-")[0]
        for name in os.listdir(path)
        if name.startswith(prefix)
    )
    return max((int(start) for start in starts if start.isdecimal()), default=-1) + 1


def _numbered_stem(path: str, basename: str, decoration: str, extension: str) -> str:
    tail = f"-{decoration}" if decoration else ""
    number = _next_number(path, basename)
    while True:
        stem = f"{number:05}{tail}" if basename == "" else f"{basename}-{number:04}{tail}"
        if not os.path.exists(os.path.join(path, f"{stem}.{extension}")):
            return stem
        number += 1


def _write(params: Any, geninfo: str | None, section: str) -> str:
    stem, extension = os.path.splitext(params.filename)
    folder, name = os.path.split(stem)
    if hasattr(os, "statvfs"):
        longest = os.statvfs(folder or ".").f_namemax - max(len(".tmp"), len(extension))
        name = name.encode("utf8")[:longest].decode("utf8", errors="ignore")
    stem = os.path.join(folder, name)
    filename = stem + extension
    # Another process may watch the folder: nothing half-written ever carries the final name.
    temporary = f"{stem}.tmp"
    save_image_with_geninfo(params.image, geninfo, temporary, extension, params.pnginfo, section)
    replace_file(Path(temporary), Path(filename))
    return filename


def _write_text(filename: str, geninfo: str | None) -> str | None:
    if geninfo is None or not _option("save_txt", False):
        return None
    text_file = os.path.splitext(filename)[0] + ".txt"
    with open(text_file, "w", encoding="utf8") as file:
        file.write(f"{geninfo}\n")
    return text_file


def image_data(data: bytes) -> tuple[Any, None]:
    """What a file dropped on the prompt holds: a picture's infotext, or the text itself."""
    try:
        return read_info_from_image(read(io.BytesIO(data)))[0], None
    except (OSError, ValueError, SyntaxError):
        text = data.decode("utf8", errors="ignore")
        return (text if len(text) < 10000 else None), None


def flatten(img: Image.Image, bgcolor: str) -> Image.Image:
    """`img` as RGB, its transparency replaced by `bgcolor` ("#rrggbb")."""
    if img.mode == "RGBA":
        background = Image.new("RGBA", img.size, bgcolor)
        background.paste(img, mask=img)
        img = background
    return img.convert("RGB")


def read(fp: Any, **kwargs: Any) -> Image.Image:
    """The picture in `fp`, turned upright; raises OSError where it is not one."""
    return fix_image(Image.open(fp, **kwargs))


def fix_image(image: Image.Image | None) -> Image.Image | None:
    """`image` turned upright by its EXIF, palette transparency made real; None stays None."""
    if image is None:
        return None
    try:
        return fix_png_transparency(ImageOps.exif_transpose(image))
    except Exception:  # Pillow raises many types on malformed EXIF; the pixels are good anyway
        logger.warning("cannot read the orientation of a picture", exc_info=True)
        return image


def fix_png_transparency(image: Image.Image) -> Image.Image:
    """RGBA for a picture whose transparency Pillow keeps aside as bytes."""
    if image.mode in ("RGB", "P") and isinstance(image.info.get("transparency"), bytes):
        return image.convert("RGBA")
    return image

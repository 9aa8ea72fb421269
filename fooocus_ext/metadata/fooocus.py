"""Settings out of Fooocus's own pictures, logs and clipboards, read as data.

Fooocus 2.5 writes two schemes. ``fooocus`` is a JSON object, some of whose values are Python
literals in strings ("['Fooocus V2']", "(1152, 896)"); they are parsed here by their exact shape and
never evaluated. ``a1111`` is the webui's three-part text with keys of Fooocus's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from fooocus_ext.data_files import DataFileError, parse_json
from fooocus_ext.metadata.fooocus_text import parse_text, restore_styles
from fooocus_ext.metadata.picture_file import MAX_TEXT_LENGTH, picture_text
from fooocus_ext.presets.performance import PERFORMANCES, file_stem
from fooocus_ext.presets.preset import Preset, preset_from_json
from fooocus_ext.presets.readers import MAX_ITEMS, name, names, number, text, whole
from fooocus_ext.presets.samplers import SAMPLERS, fooocus_names
from fooocus_ext.prompting.styles import StyleLibrary

# The labels under which older logs copied the same values.
_LABELS: Mapping[str, str] = {
    "Prompt": "prompt",
    "Negative Prompt": "negative_prompt",
    "Fooocus V2 Expansion": "prompt_expansion",
    "Styles": "styles",
    "Performance": "performance",
    "Steps": "steps",
    "Overwrite Switch": "overwrite_switch",
    "Resolution": "resolution",
    "Guidance Scale": "guidance_scale",
    "Sharpness": "sharpness",
    "ADM Guidance": "adm_guidance",
    "Refiner Swap Method": "refiner_swap_method",
    "CFG Mimicking from TSNR": "adaptive_cfg",
    "CLIP Skip": "clip_skip",
    "Base Model": "base_model",
    "Refiner Model": "refiner_model",
    "Refiner Switch": "refiner_switch",
    "Sampler": "sampler",
    "Scheduler": "scheduler",
    "VAE": "vae",
    "Seed": "seed",
    "FreeU": "freeu",
    "Image Number": "image_number",
}
_ENOUGH_KEYS = 3
_LITERAL_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_LITERAL_LIST = re.compile(rf"\s*\[\s*(?:(?:{_LITERAL_TEXT})\s*(?:,\s*|(?=\])))*\]\s*", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


def read_fooocus_metadata(
    source: Image.Image | Path | bytes | str | Mapping[str, object],
    library: StyleLibrary | None = None,
) -> dict[str, Any] | None:
    """Return the settings that Fooocus stored, or None if there are none.

    Args:
        source: an open picture, a picture file or its content; or a text that was pasted; or the
            JSON object itself.
        library: the styles to look for in texts of the ``a1111`` scheme, which stores none.

    Returns:
        Fooocus's key names with values in their types: texts; ``styles`` a list; ``resolution``
        (width, height); ``adm_guidance`` (positive, negative, end); ``freeu`` four numbers;
        ``loras`` a list of (name, weight); ``seed``, ``steps``, ``clip_skip`` whole numbers. Model
        names may lack their file ending. Also ``metadata_scheme``, and ``problems``: sentences
        about values that were left out.
    """
    if isinstance(source, Mapping):
        return _from_json(source)
    scheme = None
    if isinstance(source, str):
        content: str | None = source
    else:
        content, scheme = picture_text(source)
    if not content or len(content) > MAX_TEXT_LENGTH:
        return None
    content = content.encode("utf-8", errors="replace").decode()
    if content.lstrip().startswith("{"):
        try:
            parsed = parse_json(content)
        except DataFileError:
            return None
        return _from_json(parsed) if isinstance(parsed, dict) else None
    values = parse_text(content, certain=scheme == "a1111")
    return None if values is None else _from_text(values, library)


def _from_text(values: dict[str, object], library: StyleLibrary | None) -> dict[str, Any]:
    found = _check(values)
    sampler, schedule = fooocus_names(str(found.get("sampler", "")))
    if found.get("sampler") not in SAMPLERS and sampler is not None:
        found["sampler"] = sampler
        found.setdefault("scheduler", schedule or "normal")
    restore_styles(found, library or StyleLibrary())
    return {**found, "metadata_scheme": "a1111"}


def _from_json(content: Mapping[str, object]) -> dict[str, Any] | None:
    values = {_LABELS.get(str(key), str(key)): value for key, value in content.items()}
    is_fooocus = values.get("metadata_scheme") == "fooocus" or str(
        values.get("version", "")
    ).startswith("Fooocus")
    if not is_fooocus and len(_READERS.keys() & values.keys()) < _ENOUGH_KEYS:
        return None
    values["loras"] = _lora_entries(values)
    return {**_check(values), "metadata_scheme": "fooocus"}


def _lora_entries(values: Mapping[str, object]) -> object:
    """Return the LoRAs as [name, weight] pairs; the numbered keys count, ``loras`` if none."""
    numbered = [
        str(value).split(" : ")[-2:]
        for key, value in values.items()
        if re.fullmatch(r"lora_combined_\d{1,3}|LoRA \d{1,3}", key)
    ]
    return numbered or values.get("loras")


def _check(values: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    problems: list[str] = []
    for key, read in _READERS.items():
        if values.get(key) in (None, ""):
            continue
        try:
            found[key] = read(values[key])
        except DataFileError as error:
            problems.append(f"{key} could not be read and is left out: {error}")
    return {**found, "problems": problems}


def _figure(minimum: float, maximum: float) -> Callable[[object], float]:
    read = number(minimum, maximum)
    return lambda value: read(_unquoted_number(value))


def _whole_figure(minimum: int, maximum: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        # Seeds do not fit into a float.
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,20}\s*", value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        return whole(minimum, maximum)(_unquoted_number(value))

    return read


def _unquoted_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,20}(\.\d{0,20})?\s*", value):
        return float(value)
    return value


def _figures(count: int, minimum: float, maximum: float) -> Callable[[object], tuple[float, ...]]:
    """Return a reader of ``(1.5, 0.8, 0.3)`` in a string, or of a list of that many numbers."""
    read = _figure(minimum, maximum)

    def read_all(value: object) -> tuple[float, ...]:
        items: object = value
        if isinstance(value, str) and len(value) < MAX_ITEMS:
            items = [item.strip(" '\"") for item in value.strip(" ()[]").split(",")]
        if not isinstance(items, (list, tuple)) or len(items) != count:
            raise DataFileError(f"It must be {count} numbers.")
        return tuple(read(item) for item in items)

    return read_all


def _size(value: object) -> tuple[int, int]:
    if isinstance(value, str):
        value = value.replace("x", ",")
    width, height = _figures(2, 1, 16384)(value)
    return int(width), int(height)


def _style_names(value: object) -> list[str]:
    """Read a list of names, or a Python list of strings in a string, without evaluating it."""
    if not isinstance(value, str):
        return list(names(value))
    if len(value) > MAX_TEXT_LENGTH or not _LITERAL_LIST.fullmatch(value):
        raise DataFileError("It must be a list of names.")
    return list(names([_unescape(item[1:-1]) for item in re.findall(_LITERAL_TEXT, value)]))


def _unescape(literal: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is None:
            return _CONTROLS.get(match[4], match[4])
        point = int(code, 16)
        is_character = point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF
        return chr(point) if is_character else "?"

    return _ESCAPE.sub(replace, literal)


def _loras(value: object) -> list[tuple[str, float]]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise DataFileError("It must be a list of names and weights.")
    read_weight = _figure(-10.0, 10.0)
    found = []
    for item in value:
        if not isinstance(item, (list, tuple)) or len(item) not in (2, 3):
            raise DataFileError("Each LoRA must have a name and a weight.")
        found.append((name(item[0]), read_weight(item[1])))
    return found


_prompt = text(100_000)

_READERS: Mapping[str, Callable[[object], Any]] = {
    "prompt": _prompt,
    "negative_prompt": _prompt,
    "prompt_expansion": _prompt,
    "full_text": _prompt,
    "full_negative_text": _prompt,
    "styles": _style_names,
    "performance": name,
    "steps": _whole_figure(1, 1000),
    "overwrite_switch": _figure(-1, 200),
    "resolution": _size,
    "guidance_scale": _figure(0.0, 1000.0),
    "sharpness": _figure(0.0, 1000.0),
    "adm_guidance": _figures(3, 0.0, 1000.0),
    "refiner_swap_method": name,
    "adaptive_cfg": _figure(0.0, 1000.0),
    "clip_skip": _whole_figure(1, 12),
    "base_model": name,
    "refiner_model": name,
    "refiner_switch": _figure(0.0, 1.0),
    "sampler": name,
    "scheduler": name,
    "vae": name,
    "seed": _whole_figure(0, 2**64 - 1),
    "freeu": _figures(4, 0.0, 1000.0),
    "image_number": _whole_figure(1, 1000),
    "loras": _loras,
    "created_by": name,
    "version": name,
}
# Fooocus's metadata key -> its preset key.
_PRESET_KEYS: Mapping[str, str] = {
    "base_model": "default_model",
    "refiner_model": "default_refiner",
    "refiner_switch": "default_refiner_switch",
    "guidance_scale": "default_cfg_scale",
    "sharpness": "default_sample_sharpness",
    "adaptive_cfg": "default_cfg_tsnr",
    "clip_skip": "default_clip_skip",
    "sampler": "default_sampler",
    "scheduler": "default_scheduler",
    "vae": "default_vae",
    "performance": "default_performance",
    "styles": "default_styles",
    "overwrite_switch": "default_overwrite_switch",
    "prompt": "default_prompt",
    "negative_prompt": "default_prompt_negative",
    "refiner_swap_method": "default_refiner_method",
}


def preset_from_metadata(metadata: Mapping[str, Any], preset_name: str = "picture") -> Preset:
    """Return what ``read_fooocus_metadata`` found as a preset, to be resolved and applied as one.

    The seed is not part of presets, and a size outside the 26 has no aspect ratio there: take both
    from the metadata. The performance's own LoRA is not listed a second time.
    """
    content: dict[str, Any] = {
        key: metadata[found] for found, key in _PRESET_KEYS.items() if found in metadata
    }
    mode = PERFORMANCES.get(str(metadata.get("performance", "")))
    if metadata.get("steps") is not None and (mode is None or mode.steps != metadata["steps"]):
        content["default_overwrite_step"] = metadata["steps"]
    if "resolution" in metadata:
        content["default_aspect_ratio"] = "{}*{}".format(*metadata["resolution"])
    own = {"default_adm_positive": 0, "default_adm_negative": 1, "default_adm_end": 2}
    if "adm_guidance" in metadata and not (mode and mode.distilled):
        content.update({key: metadata["adm_guidance"][at] for key, at in own.items()})
    if "loras" in metadata:
        content["default_loras"] = [
            [True, file, weight]
            for file, weight in metadata["loras"]
            if not (mode and mode.lora and file_stem(mode.lora) == file_stem(file))
        ]
    return preset_from_json(preset_name, content)

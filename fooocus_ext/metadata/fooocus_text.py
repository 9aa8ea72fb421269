"""Fooocus's ``a1111`` scheme: positive text, ``Negative prompt:``, and one line of ``Key: value``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fooocus_ext.prompting.styles import EXPANSION_STYLE, PLACEHOLDER, StyleLibrary

_ENTRY = re.compile(r'([A-Za-z][\w /-]{0,60}):\s*("(?:[^"\\]|\\.)*"|[^,]*)(?:,\s*|$)')
_NEGATIVE = re.compile(r"^[ \t]*Negative prompt:", re.MULTILINE)
_ENOUGH_ENTRIES = 3
_KEYS: Mapping[str, str] = {
    "Raw prompt": "prompt",
    "Raw negative prompt": "negative_prompt",
    "Styles": "styles",
    "Performance": "performance",
    "Steps": "steps",
    "Sampler": "sampler",
    "Scheduler": "scheduler",
    "VAE": "vae",
    "CFG scale": "guidance_scale",
    "Seed": "seed",
    "Size": "resolution",
    "Sharpness": "sharpness",
    "ADM Guidance": "adm_guidance",
    "Refiner Swap Method": "refiner_swap_method",
    "Adaptive CFG": "adaptive_cfg",
    "Clip skip": "clip_skip",
    "Overwrite Switch": "overwrite_switch",
    "FreeU": "freeu",
    "Model": "base_model",
    "Refiner": "refiner_model",
    "User": "created_by",
    "Version": "version",
}


def parse_text(content: str, *, certain: bool) -> dict[str, object] | None:
    """Return the values of a text in Fooocus's ``a1111`` scheme, not yet checked.

    Args:
        content: the text.
        certain: whether the picture says that Fooocus wrote it. Otherwise the text must say so
            itself (``Version: Fooocus...``), since ordinary infotexts look alike.

    Returns:
        Values by Fooocus's key names, ``loras`` as [name, weight] pairs, and the texts as they were
        encoded under ``full_text`` and ``full_negative_text``; None if it is another text.
    """
    *lines, last = content.strip().split("\n")
    entries = dict(_ENTRY.findall(last))
    if len(entries) < _ENOUGH_ENTRIES:
        return None
    if not certain and not entries.get("Version", "").startswith("Fooocus"):
        return None
    plain = {key: _unquote(value) for key, value in entries.items()}
    values: dict[str, object] = {
        name: plain[label] for label, name in _KEYS.items() if label in plain
    }
    positive, *negative = _NEGATIVE.split("\n".join(lines), maxsplit=1)
    values["full_text"] = positive.strip()
    values["full_negative_text"] = "".join(negative).strip()
    values.setdefault("prompt", values["full_text"])
    values.setdefault("negative_prompt", values["full_negative_text"])
    values["loras"] = _loras(plain)
    return values


def _unquote(value: str) -> str:
    if value.startswith('"') and value.endswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except (ValueError, RecursionError):
            return value
    return value.strip()


def _loras(entries: Mapping[str, str]) -> list[list[str]] | None:
    """Read "name: weight, ..." or, from older versions, "name: hash: weight, ..."."""
    weights = entries.get("Lora weights") or ""
    hashes = entries.get("Lora hashes") or ""
    stored = weights or (hashes if hashes.split(", ")[0].count(": ") == 2 else "")
    pairs = [item.split(": ") for item in stored.split(", ") if item]
    return [[pair[0], pair[-1]] for pair in pairs if len(pair) in (2, 3)] or None


def restore_styles(found: dict[str, Any], library: StyleLibrary) -> None:
    """Add to ``found`` the styles whose texts are in the encoded texts, in list order.

    What remains of the positive text apart from them and the prompt is taken for an expansion.
    """
    positive, negative = found.pop("full_text", ""), found.pop("full_negative_text", "")
    if "styles" in found:
        return
    prompt = ", ".join(str(found.get("prompt", "")).splitlines())
    styles = []
    rest = positive
    for style in library.styles:
        text = style.prompt.replace(PLACEHOLDER, prompt)
        if text in positive and style.negative_prompt in negative:
            styles.append(style.name)
            rest = rest.replace(text, "", 1) if text else rest
    if rest.replace(prompt, "", 1).strip(" ,\n"):
        styles.insert(0, EXPANSION_STYLE)
    found["styles"] = styles

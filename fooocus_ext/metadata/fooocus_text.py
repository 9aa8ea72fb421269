"""Fooocus's ``a1111`` scheme: positive text, ``Negative prompt:``, and one line of ``Key: value``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fooocus_ext.metadata.by_fooocus import made_by_fooocus
from fooocus_ext.metadata.others import others_in
from fooocus_ext.metadata.settings import (
    ENTRIES,
    TEXT_SCHEME,
    PictureSettings,
    read_entries,
)
from fooocus_ext.metadata.written_texts import taken_apart
from fooocus_ext.presets.samplers import SAMPLERS, fooocus_names
from fooocus_ext.prompting.styles import EXPANSION_STYLE, PLACEHOLDER, StyleLibrary

_ENTRY = re.compile(r'([A-Za-z][\w /-]{0,60}):\s*("(?:[^"\\]|\\.)*"|[^,]*)(?:,\s*|$)')
_NEGATIVE = re.compile(r"^[ \t]*Negative prompt:", re.MULTILINE)
_ENOUGH_ENTRIES = 3
_KEYS_BY_LABEL = {entry.text_label: entry.key for entry in ENTRIES if entry.text_label}


def from_text(content: str, library: StyleLibrary, *, certain: bool) -> PictureSettings | None:
    """Return the settings in text of Fooocus's ``a1111`` scheme; None for any other text.

    Args:
        content: the text.
        library: the styles to look for, since the scheme stores none.
        certain: whether the picture says that Fooocus wrote it. Otherwise the text must say so
            itself (``Version: Fooocus...``), since ordinary infotexts look alike.
    """
    *lines, last = content.strip().split("\n")
    entries = dict(_ENTRY.findall(last))
    if len(entries) < _ENOUGH_ENTRIES:
        return None
    if not certain and not entries.get("Version", "").startswith("Fooocus"):
        return None
    positive, *negative = _NEGATIVE.split("\n".join(lines), maxsplit=1)
    encoded = positive.strip(), "".join(negative).strip()
    values = _values({label: _unquote(value) for label, value in entries.items()}, *encoded)
    others = others_in(entries, _KEYS_BY_LABEL)
    found = PictureSettings(**read_entries(values), others=others, scheme=TEXT_SCHEME)
    if found.styles is None:
        typed = found.prompt or "", found.negative_prompt or ""
        styles = _styles_in(*encoded, *typed, library)
        found = replace(found, styles=styles, **_full_texts(*encoded, *typed, styles, library))
    return made_by_fooocus(_with_fooocus_names(found).with_bare_embeddings())


def _values(plain: Mapping[str, str], positive: str, negative: str) -> dict[str, object]:
    """Return the text's values by Fooocus's keys, not yet checked."""
    stated = {key: plain[label] for label, key in _KEYS_BY_LABEL.items() if label in plain}
    typed = {"prompt": positive, "negative_prompt": negative}
    return {**typed, **stated, "loras": _loras(plain)}


def _with_fooocus_names(found: PictureSettings) -> PictureSettings:
    """Name sampler and scheduler as Fooocus does; the scheme names the former as the webui does."""
    sampler, scheduler = fooocus_names(found.sampler or "")
    if found.sampler in SAMPLERS or sampler is None:
        return found
    return replace(found, sampler=sampler, scheduler=found.scheduler or scheduler or "normal")


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


def _full_texts(
    positive: str,
    negative: str,
    prompt: str,
    negative_prompt: str,
    styles: Sequence[str],
    library: StyleLibrary,
) -> dict[str, Any]:
    """Return the keywords of ``PictureSettings`` for the encoded texts, if they can be told apart."""
    known = [library.get(name) for name in styles if name in library]
    texts = taken_apart(positive, negative, prompt, negative_prompt, known)
    if texts is None:
        return {}
    return {
        "full_prompt": texts.positive,
        "full_negative_prompt": texts.negative,
        "prompt_expansion": texts.expansion or None,
    }


def _styles_in(
    positive: str, negative: str, prompt: str, negative_prompt: str, library: StyleLibrary
) -> tuple[str, ...]:
    """Return the styles whose texts are in the encoded texts, in list order.

    What remains of the positive text apart from them and the prompt is taken for an expansion.
    """
    lines = prompt.splitlines()
    typed = ", ".join(lines)
    styles = []
    rest = positive
    for style in library.styles:
        # Fooocus puts the first line into the style; its older versions put all of them there.
        template = ", ".join(style.prompt.splitlines())
        subject = (
            lines[0] if lines and template.replace(PLACEHOLDER, lines[0]) in positive else typed
        )
        text = template.replace(PLACEHOLDER, subject)
        # Fooocus leaves the placeholder in a negative text as it is; the webui fills it in.
        filled = style.negative_prompt.replace(PLACEHOLDER, negative_prompt)
        if text in positive and (style.negative_prompt in negative or filled in negative):
            styles.append(style.name)
            rest = rest.replace(text, "", 1) if text else rest
    if rest.replace(typed, "", 1).strip(" ,\n"):
        styles.insert(0, EXPANSION_STYLE)
    return tuple(styles)

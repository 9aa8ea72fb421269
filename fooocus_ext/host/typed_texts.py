"""The texts that were typed, out of an infotext of ours, in the form in which the webui pastes texts.

The webui puts its own styles ("Styles" beside Generate) around a prompt before any extension sees it, so the
texts that we record hold them, too. Its parser takes them out of the texts that an infotext shows, which are
rewritten here. What it would have found in the typed ones is found in this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules import shared

from fooocus_ext import infotext
from fooocus_ext.host.infotext_parser import copypaste

STYLES = "Styles array"
"""The webui's key for the names of its styles that were found in an infotext's texts."""

_NEGATIVE = "Negative prompt:"


def in_full(text: str, entries: dict[str, Any]) -> dict[str, str]:
    """Return a picture's texts as they were typed, with the webui's styles, by the request's fields.

    Those of a second pass are among them if it had its own.

    Args:
        text: the infotext.
        entries: what the webui's parser found in it.
    """
    written, typed = _as_written(text), infotext.typed_texts(entries)
    stated = {name: written[key] for name, key in infotext.HOST_KEYS.items() if key in written}
    texts = {**stated, **typed}
    if "hr_prompt" in texts or "hr_negative_prompt" in texts:  # one that is not is the first pass's
        texts.setdefault("hr_prompt", written["Prompt"])
        texts.setdefault("hr_negative_prompt", written["Negative prompt"])
    return texts


def restore(text: str, entries: dict[str, Any]) -> None:
    """Put the typed texts in place of the rewritten ones, in what the webui's parser found in an infotext.

    The webui's styles are taken out of them, and named, as its setting has it.
    """
    if not infotext.typed_texts(entries):
        return
    wanted = _wanted_styles()
    texts, found = in_full(text, entries), None
    if wanted != "Ignore":
        texts, found = _without_styles(texts)
    pasted: dict[str, Any] = {infotext.HOST_KEYS[name]: value for name, value in texts.items()}
    entries.pop(STYLES, None)
    if found is not None and (wanted == "Apply" or (wanted == "Apply if any" and found)):
        pasted[STYLES] = found
    entries.update({key: value for key, value in pasted.items() if key not in not_pasted()})


def not_pasted() -> Sequence[str]:
    """Return the keys that the webui's settings keep from being pasted (1.8 and newer)."""
    return getattr(shared.opts, "infotext_skip_pasting", ())


def with_styles(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return an infotext's entries with the webui's styles in the texts, for a page without such styles.

    Where the webui's setting discards them, they stay out of the texts.
    """
    if _wanted_styles() == "Discard":
        return dict(entries)
    whole, styles = dict(entries), shared.prompt_styles
    found = entries.get(STYLES) or []
    for key, apply in (
        ("Prompt", styles.apply_styles_to_prompt),
        ("Negative prompt", styles.apply_negative_styles_to_prompt),
    ):
        if found and key in entries:
            whole[key] = apply(entries[key], found)
    typed = infotext.typed_texts(entries)
    keys = {name: key for name, key in infotext.HOST_KEYS.items() if key in entries}
    return {**whole, **{keys[name]: text for name, text in typed.items() if name in keys}}


def _wanted_styles() -> Any:
    """Return what the webui's setting does with its styles in an infotext's texts."""
    return getattr(shared.opts, "infotext_styles", "Ignore")


def _without_styles(texts: dict[str, str]) -> tuple[dict[str, str], list[str] | None]:
    """Return texts without the webui's styles, and the styles' names.

    Where a second pass seems to have other styles, everything stays as it is and there are no names, as
    in the webui's own parser.
    """
    extract = shared.prompt_styles.extract_styles_from_prompt
    found, prompt, negative_prompt = extract(texts["prompt"], texts["negative_prompt"])
    bare = {"prompt": prompt, "negative_prompt": negative_prompt}
    if "hr_prompt" in texts:
        found_in_hires, hr_prompt, hr_negative_prompt = extract(
            texts["hr_prompt"], texts["hr_negative_prompt"]
        )
        if found_in_hires != found:
            return texts, None
        bare["hr_prompt"] = "" if hr_prompt == prompt else hr_prompt
        bare["hr_negative_prompt"] = (
            "" if hr_negative_prompt == negative_prompt else hr_negative_prompt
        )
    return bare, found


def _as_written(text: str) -> dict[str, str]:
    """Return the texts that an infotext shows, by the webui's keys, before any styles are taken out."""
    *lines, last = text.strip().split("\n")
    entries = dict(copypaste.re_param.findall(last))
    prompts: tuple[list[str], list[str]] = ([], [])
    is_negative = False
    for line in map(str.strip, lines):
        begins = line.startswith(_NEGATIVE)
        is_negative = is_negative or begins
        words = line.removeprefix(_NEGATIVE).strip() if begins else line
        if words or prompts[is_negative]:
            prompts[is_negative].append(words)
    of_second_pass = {
        key: copypaste.unquote(entries[key])
        for key in infotext.HOST_KEYS.values()
        if key in entries
    }
    return {
        **of_second_pass,
        "Prompt": "\n".join(prompts[False]),
        "Negative prompt": "\n".join(prompts[True]),
    }

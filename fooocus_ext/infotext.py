"""Every key that the extension writes into a picture's infotext, named here: see ``KEYS``.

The keys are a public contract: they may be added to, never renamed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fooocus_ext import edit
from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.fields import Field, as_widget_value
from fooocus_ext.original_texts import OriginalTexts

PROMPT = "Fooocus prompt"
NEGATIVE_PROMPT = "Fooocus negative prompt"
EXPANSION = "Fooocus expansion text"
DRAWN_STYLES = "Fooocus styles drawn"
HIRES_PROMPT = "Fooocus hires prompt"
HIRES_NEGATIVE_PROMPT = "Fooocus hires negative prompt"
SKIPPED = "Fooocus skipped"
# Settings of the webui's page, named where a value other than the default had a part in the picture.
SEPARATOR = "Fooocus text separator"
WILDCARDS_IN_ORDER = "Fooocus wildcards in order"
EXPANSION_TARGET = "Fooocus expansion target"
EXPANSION_FILL = "Fooocus expansion fills"
REFINER_RULE = "Fooocus refiner rule"

KEYS = (
    *(field.infotext for field in FIELDS),
    PROMPT,
    NEGATIVE_PROMPT,
    EXPANSION,
    DRAWN_STYLES,
    HIRES_PROMPT,
    HIRES_NEGATIVE_PROMPT,
    SEPARATOR,
    WILDCARDS_IN_ORDER,
    EXPANSION_TARGET,
    EXPANSION_FILL,
    SKIPPED,
    REFINER_RULE,
    edit.INFOTEXT,
)

_NEGATIVE = "Negative prompt:"
_QUOTED_BY_THE_WEBUI = ",:\n"

_TYPED = {
    "prompt": (PROMPT, "Prompt"),
    "negative_prompt": (NEGATIVE_PROMPT, "Negative prompt"),
    "hr_prompt": (HIRES_PROMPT, "Hires prompt"),
    "hr_negative_prompt": (HIRES_NEGATIVE_PROMPT, "Hires negative prompt"),
}
"""Our key and the webui's for each text of the request, by field."""

HOST_KEYS = {field: key for field, (_, key) in _TYPED.items()}
"""The webui's key for each text of the request, by field."""

_OF_SECOND_PASS = tuple(key for field, key in HOST_KEYS.items() if field.startswith("hr_"))


def settings_entries(settings: Settings) -> dict[str, str]:
    """Return the entries of enabled settings: the switch, and every field that is not at its default."""
    entries = {FIELDS_BY_NAME["enabled"].infotext: "True"}
    for field in FIELDS[1:]:
        value = getattr(settings, field.name)
        if value != field.default and field.name not in without_effect(settings):
            entries[field.infotext] = _to_text(value)
    return entries


def without_effect(settings: Settings) -> tuple[str, ...]:
    """Return the fields that say nothing about a picture: how a refiner takes over, where there is none."""
    has_refiner = settings.refiner != NONE or settings.preset != NONE
    return () if has_refiner else ("refiner_switch", "refiner_method")


def field_value(field: Field, entries: Mapping[str, Any]) -> Any:
    """Return the value that a parsed infotext gives a field.

    A picture made without Fooocus switches the extension off and leaves the other fields alone
    (None); one made with it resets the fields that it does not mention to their defaults. A value
    that cannot be read also counts as not mentioned.
    """
    made_with_fooocus = entries.get(FIELDS_BY_NAME["enabled"].infotext) == "True"
    if field.name == "enabled":
        return made_with_fooocus
    if not made_with_fooocus:
        return None
    value = _stated(field, entries)
    return as_widget_value(field.default if value is None else value)


def unreadable(entries: Mapping[str, Any]) -> list[Field]:
    """Return the fields that a parsed infotext of ours states and whose values cannot be read."""
    stated = [field for field in FIELDS if field.infotext in entries]
    return [field for field in stated if _stated(field, entries) is None]


def _stated(field: Field, entries: Mapping[str, Any]) -> Any:
    """Return the value that an infotext states for a field; None for none that can be read."""
    try:
        return field.check(field.from_text(str(entries[field.infotext])))
    except (KeyError, RequestError):
        return None


def field_values(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a parsed infotext gives the fields, by name, without those it leaves alone."""
    values = {field.name: field_value(field, entries) for field in FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def without_ours(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a picture's entries that lacks ours."""
    return {key: value for key, value in entries.items() if key not in KEYS}


def replaced(
    typed: Sequence[str], rewritten: Sequence[str], *, behind: Sequence[str] | None = None
) -> list[str | None]:
    """Return, for each picture, the typed text if the infotext's own prompt would not give it back.

    Args:
        typed: the text of each picture.
        rewritten: what the infotext shows of it.
        behind: for negative prompts, the prompt that the infotext shows before each: where one of its lines
            begins as a negative prompt does, the webui takes what follows for a part of that.
    """
    before = [""] * len(typed) if behind is None else behind
    return [
        text if text != shown or not _survives(text) or _seems_negative(prompt) else None
        for text, shown, prompt in zip(typed, rewritten, before, strict=True)
    ]


def _seems_negative(prompt: str) -> bool:
    """Whether the webui takes a line of a prompt for the beginning of the negative prompt."""
    return any(line.strip().startswith(_NEGATIVE) for line in prompt.split("\n"))


def _survives(prompt: str) -> bool:
    """Whether the webui reads a prompt out of its infotext as it was: it trims every line."""
    lines = prompt.split("\n")
    return all(line == line.strip() for line in lines) and (
        prompt == prompt.strip() and "\r" not in prompt and not _seems_negative(prompt)
    )


def entry(values: Sequence[str | None], *, varies: bool) -> Any:
    """Return one entry for a job of several pictures, as the webui takes it.

    Args:
        values: the entry of each picture; None for no entry.
        varies: whether this webui asks for an entry picture by picture if it gets a function
            (from 1.9 on). If not, an entry on which the pictures differ is left out.
    """
    quoted = [_quoted(value) for value in values]
    if len(set(quoted)) == 1:
        return quoted[0]
    return functools.partial(_value_of_picture, quoted) if varies else None


def count_through_job(entries: dict[str, Any]) -> None:
    """Have the webui look for a picture's texts of the second pass at the picture's place in its job.

    From 1.9 on it has a function for each of them, which looks in the job's list by the place in the batch,
    and so finds another picture's from the second batch on; for a grid it compares the first picture's
    with what was typed. ``entries`` are those of a job that is prepared to be sampled.
    """
    for key in _OF_SECOND_PASS:
        of_host = entries.get(key)
        is_ours = isinstance(of_host, functools.partial) and of_host.func is _counted_through_job
        if callable(of_host) and not is_ours:
            entries[key] = functools.partial(_counted_through_job, of_host)


def typed_texts(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts that were typed, by the request's fields, from a parsed infotext of ours.

    Empty for a picture that was made without the extension, or with nothing rewritten.
    """
    return {field: entries[key] for field, (key, _) in _TYPED.items() if key in entries}


def _to_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        is_plain = all(_is_plain(name) and "," not in name and name[0] != "[" for name in value)
        return ", ".join(value) if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, OriginalTexts):
        return value.to_text()
    return _quoted(str(value)) or ""


def _quoted(value: str | None) -> str | None:
    """Return a value so that the webui gives it back: its parser takes off quotes and outer blanks.

    It puts a value with a comma, a colon or a line break into quotes by itself; of the others, those
    that its parser would change are quoted here.
    """
    if value is None or any(character in value for character in _QUOTED_BY_THE_WEBUI):
        return value
    return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    """Whether the webui's parser gives a value back that nobody has put into quotes."""
    return bool(value) and value == value.strip() and value[0] != '"' and value.isprintable()


def _value_of_picture(
    values: Sequence[str | None],
    *,
    p: Any,
    all_prompts: Sequence[str],
    index: int,
    use_main_prompt: bool = False,
    **_: Any,
) -> str | None:
    """Return the entry of the picture that the webui writes an infotext for."""
    return values[0 if use_main_prompt else _place_in_job(p, all_prompts, index)]


def _counted_through_job(
    of_host: Callable[..., str | None],
    *,
    p: Any,
    all_prompts: Sequence[str],
    index: int,
    use_main_prompt: bool = False,
    **others: Any,
) -> str | None:
    """Return what the webui's own function finds for a picture, given its place and texts in the job."""
    place = 0 if use_main_prompt else _place_in_job(p, all_prompts, index)
    of_picture = {
        "index": place,
        "prompt_text": p.all_prompts[place],
        "negative_prompt": p.all_negative_prompts[place],
    }
    return of_host(
        **{**others, **of_picture},
        p=p,
        all_prompts=all_prompts,
        use_main_prompt=use_main_prompt,
    )


def _place_in_job(p: Any, all_prompts: Sequence[str], index: int) -> int:
    """Return a picture's place in its job.

    The webui counts pictures through the job where it passes the job's prompts, and through the batch
    where it passes the batch's.
    """
    return index if all_prompts is p.all_prompts else p.iteration * p.batch_size + index

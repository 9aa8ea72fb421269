"""Settings read into the tab's widgets: from pasted text, and from a picture that was dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modules import script_callbacks

from fooocus_ext.edit import INFOTEXT
from fooocus_ext.errors import RequestError
from fooocus_ext.host import infotext_parser, typed_texts
from fooocus_ext.host.machine import assets
from fooocus_ext.host.tab import fill
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.infotext import from_infotext
from fooocus_ext.metadata.picture_file import picture_text
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH
from fooocus_ext.tab.edited import UNSAMPLED, is_unsampled, unsampled, with_edit
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.fill import fill as values_of
from fooocus_ext.tab.preview import rows

OF_FOOOCUS = "Fooocus settings"
"""Our key in what the host's parser found, for a text that is Fooocus's."""

_OF_SAMPLED = ("Steps", "Sampler", "Seed")
"""What every picture that was sampled states; the webui's settings may keep some from being pasted."""


def load_text(text: str) -> list[Any]:
    """Return updates for pasted text: Fooocus's JSON, or an infotext of Fooocus or the webui."""
    if len(text) > MAX_SOURCE_LENGTH:
        note = f"The pasted text has {len(text)} characters; allowed: up to {MAX_SOURCE_LENGTH}."
        return fill.updates(Filled({}, (note,)))
    return _loaded(read_settings(text), "The pasted text contains no settings.")


def preview(content: bytes | None) -> str:
    """Return what a dropped picture's settings would put on the page, as JSON for the page's script."""
    filled = read_settings(content) if content else None
    shown = Filled({}) if filled is None else fill.for_page(filled)
    return json.dumps(
        {"bytes": len(content or b""), "rows": rows(shown.values), "notes": shown.notes}
    )


def load_picture(content: bytes | None) -> list[Any]:
    """Return updates for a dropped picture."""
    if not content:
        return fill.updates(Filled({}))
    return _loaded(read_settings(content), "This picture does not carry any settings.")


def _loaded(filled: Filled | None, otherwise: str) -> list[Any]:
    if filled is None:
        return fill.updates(Filled({}, (otherwise,)))
    return fill.updates(Filled(filled.values, ("The settings are loaded.", *filled.notes)))


def read_settings(source: str | bytes) -> Filled | None:
    """Return the widgets' values for settings in text or in a picture file; None without any."""
    settings = read_fooocus_settings(source, assets.styles())
    if settings is not None:
        return _filled(settings)
    text = source if isinstance(source, str) else picture_text(source)[0]
    if not text or not any(f"{key}: " in text for key in ("Steps", INFOTEXT)):
        return None
    try:
        entries = infotext_parser.parse(text)
    except RequestError:
        return None
    if "Steps: " not in text and _unsampled(entries) is None:
        return None
    script_callbacks.infotext_pasted_callback(text, entries)
    return fill_from_infotext(entries)


def fill_from_infotext(entries: Mapping[str, Any]) -> Filled:
    """Return the widgets' values for what the host's parser found in an infotext."""
    if (enlarged := _unsampled(entries)) is not None:
        return enlarged
    entries = typed_texts.with_styles(entries)
    text = entries.get(OF_FOOOCUS)
    settings = read_fooocus_settings(text, assets.styles()) if text else None
    if settings is None:
        settings = from_infotext(entries, assets.presets().presets)
    return with_edit(_filled(settings), str(entries.get(INFOTEXT, "")))


def _unsampled(entries: Mapping[str, Any]) -> Filled | None:
    """Return the widgets' values for a picture that was enlarged and not sampled; None for any other."""
    if any(key in entries for key in _OF_SAMPLED):
        return None
    return unsampled(str(entries.get(INFOTEXT, "")))


def _filled(settings: PictureSettings) -> Filled:
    """Return the widgets' values for what the maker of a picture had chosen."""
    if is_unsampled(settings):
        return Filled({}, (UNSAMPLED,))
    return values_of(settings.as_chosen(), assets.installed(), assets.styles())


def note_text_of_fooocus(text: str, entries: dict[str, Any]) -> None:
    """Callback: the host has parsed a text as an infotext; keep it if it is Fooocus's."""
    if read_fooocus_settings(text) is not None:
        entries[OF_FOOOCUS] = text

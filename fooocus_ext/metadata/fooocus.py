"""Settings out of Fooocus's own pictures, logs and clipboards, read as data.

Fooocus 2.5 writes two schemes. ``fooocus`` is a JSON object, some of whose values are Python
literals in strings ("['Fooocus V2']", "(1152, 896)"). ``a1111`` is the webui's three-part text with keys
of Fooocus's own. RuinedFooocus's JSON has keys of its own (see ``ruined_fooocus``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fooocus_ext.data_files import DataFileError, parse_json
from fooocus_ext.metadata.by_fooocus import made_by_fooocus
from fooocus_ext.metadata.fooocus_text import from_text
from fooocus_ext.metadata.others import others_in
from fooocus_ext.metadata.picture_file import picture_text
from fooocus_ext.metadata.ruined_fooocus import as_fooocus
from fooocus_ext.metadata.settings import (
    ENTRIES,
    JSON_SCHEME,
    OTHER_FIELDS,
    OWN_NAME,
    RUINED_SCHEME,
    SCHEME_KEY,
    TEXT_SCHEME,
    PictureSettings,
    read_entries,
)
from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH
from fooocus_ext.prompting.styles import StyleLibrary

_KEYS_BY_OLD_LABEL = {entry.old_label: entry.key for entry in ENTRIES if entry.old_label}
_KEYS = {*(entry.key for entry in ENTRIES), *(field.name for field in OTHER_FIELDS)}
_KNOWN_KEYS = {entry.key for entry in ENTRIES if entry.read}
_ENOUGH_KEYS = 3


def read_fooocus_settings(
    source: Path | bytes | str | Mapping[str, object],
    library: StyleLibrary | None = None,
) -> PictureSettings | None:
    """Return the settings that Fooocus stored, or None if there are none.

    Args:
        source: a picture file or its content; or text that was pasted; or the
            JSON object itself.
        library: the styles to look for in text of the ``a1111`` scheme, which stores none, and the
            texts of those that a log names.
    """
    library = library or StyleLibrary()
    if isinstance(source, Mapping):
        return _from_json(source, library)
    scheme = None
    if isinstance(source, str):
        content: str | None = source
    else:
        content, scheme = picture_text(source)
    if not content or len(content) > MAX_SOURCE_LENGTH:
        return None
    content = content.encode("utf-8", errors="replace").decode()
    if not content.lstrip().startswith("{"):
        return from_text(content, library, certain=scheme == TEXT_SCHEME)
    try:
        parsed = parse_json(content)
    except DataFileError:
        return None
    return _from_json(parsed, library) if isinstance(parsed, dict) else None


def _from_json(content: Mapping[str, object], library: StyleLibrary) -> PictureSettings | None:
    ruined = as_fooocus(content)
    if ruined is not None:
        return _from_values(ruined, scheme=RUINED_SCHEME)
    values = {_KEYS_BY_OLD_LABEL.get(str(key), str(key)): item for key, item in content.items()}
    is_fooocus = values.get(SCHEME_KEY) == JSON_SCHEME or str(values.get("version", "")).startswith(
        "Fooocus"
    )
    if not is_fooocus and len(_KNOWN_KEYS & values.keys()) < _ENOUGH_KEYS:
        return None
    values["loras"] = _lora_entries(values)
    return made_by_fooocus(_from_values(values, scheme=JSON_SCHEME), library)


def _from_values(values: Mapping[str, object], scheme: str) -> PictureSettings:
    others = others_in(values, _KEYS)
    found = PictureSettings(**read_entries(values), others=others, scheme=scheme)
    return found if (found.version or "").startswith(OWN_NAME) else found.with_bare_embeddings()


def _lora_entries(values: Mapping[str, object]) -> object:
    """Return the LoRAs as [name, weight] pairs; the numbered keys count, ``loras`` if none.

    A line of three parts begins with whether its LoRA is on.
    """
    numbered = [
        str(value).split(" : ")
        for key, value in values.items()
        if re.fullmatch(r"lora_combined_\d{1,3}|LoRA \d{1,3}", key)
    ]
    if not numbered:
        return values.get("loras")
    return [parts[-2:] for parts in numbered if len(parts) < 3 or parts[-3] != "False"]

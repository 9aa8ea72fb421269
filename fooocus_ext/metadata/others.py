"""What a source states beyond the values that a picture's settings have: kept as text, to be named."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_NO_SETTINGS = re.compile(
    r"version|user|created.by|metadata.scheme|software|full.(negative.)?prompt"
    r"|(.{0,40}[ _])?(hash|hashes)|loras?([ _](weights|combined[ _]\d{1,3}|\d{1,3}))?",
    re.IGNORECASE,
)
_LONGEST_SHOWN = 60


def others_in(content: Mapping[str, object], known: Collection[str]) -> dict[str, str]:
    """Return the values that are none of ``known``, as text; hashes and names of programs are left out."""
    return {
        _as_text(key): _as_text(value)
        for key, value in content.items()
        if value not in (None, "", False, [], {})
        and str(key) not in known
        and not _NO_SETTINGS.fullmatch(str(key)[:_LONGEST_SHOWN])
    }


def _as_text(value: object) -> str:
    text = " ".join(str(value)[:1000].split()).encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."

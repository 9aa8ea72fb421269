"""Errors that a user caused and can act on."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable

HTTP_UNPROCESSABLE = 422
LONGEST_DETAIL = 10_000


class RequestError(Exception):
    """Something the user asked for cannot be honoured; the picture is not made.

    The webui answers an API request that ends in this exception with HTTP 422 and ``detail``, because
    its error handler reads ``status_code`` and ``detail`` from the *instance* of any exception (all
    versions from 1.5 on). On the page the host shows ``str(error)``.

    Attributes:
        status_code: always 422.
        detail: one or more sentences naming the field, the value and what is allowed; half characters
            in it (lone surrogates) become escapes, because no answer could be encoded with them, and
            it ends after 10 000 characters: a request with a thousand wrong names is told of some.
    """

    def __init__(self, detail: str) -> None:
        detail = writable(detail)
        if len(detail) > LONGEST_DETAIL:
            detail = f"{detail[:LONGEST_DETAIL]}... (and more)"
        super().__init__(detail)
        self.status_code = HTTP_UNPROCESSABLE
        self.detail = detail


def writable(text: str) -> str:
    """Return a text that can be encoded: half characters (lone surrogates) become escapes.

    Names of files have them where a name is not UTF-8.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_writable(text: str) -> bool:
    """Whether a text can be encoded: it has no half characters."""
    return writable(text) == text


def shortened(sentences: Iterable[str], most: int) -> list[str]:
    """Return sentences without repetitions; of more than ``most``, these and how many more there are."""
    different = list(dict.fromkeys(sentences))
    more = len(different) - most
    return [*different[:most], f"And {more} more."] if more > 0 else different


def nearest_names(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Return up to ``count`` of ``known`` that resemble ``name``, ignoring case, best first."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=count, cutoff=0.5)
    return [by_folded[match] for match in matches]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``' (did you mean "a" or "b"?)'``, or an empty string where nothing is near."""
    quoted = [f'"{match}"' for match in nearest_names(name, known)]
    return f" (did you mean {' or '.join(quoted)}?)" if quoted else ""


def describe(value: object) -> str:
    """Return a value as a client would write it, with its JSON type, shortened."""
    json_type = {
        bool: "true/false",
        int: "number",
        float: "number",
        str: "text",
        list: "list",
        tuple: "list",
        dict: "object",
        type(None): "null",
    }.get(type(value), type(value).__name__)
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return shown if value is None else f"{shown} ({json_type})"

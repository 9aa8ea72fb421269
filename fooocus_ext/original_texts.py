"""The texts that a picture of Fooocus was made of, so that it can be made again of the very same.

Fooocus stores in its pictures what it encoded: the prompt's texts with the styles and the expansion
in them, each on its own. With them a picture can be made again where those styles and that expansion
are not installed. They hold as long as what they were written from stays as it is: ``fingerprint``
tells whether it has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooocus_ext.errors import RequestError, describe, is_writable

NAME = "original_texts"
MAX_TEXTS = 500
"""Texts of a list."""
MAX_CHARACTERS = 100_000
"""Characters of all texts together."""
ALLOWED = (
    f"an object with full_prompt and full_negative_prompt (lists of 1 to {MAX_TEXTS} texts, up to "
    f"{MAX_CHARACTERS} characters in all, no NUL), prompt_expansion (the last text of full_prompt, if "
    "it is an expansion), styles and of; null for none"
)
_LISTS = ("full_prompt", "full_negative_prompt", "styles")
_TEXTS = ("prompt_expansion", "of")
_TAG = re.compile(r"<\w+:[^<>]+>")
"""As in ``prompting.grammar``, which lies above this module."""


@dataclass(frozen=True)
class OriginalTexts:
    """The texts of one picture; the first four are named as in Fooocus's own JSON.

    Attributes:
        full_prompt: the texts that were encoded, in order; at least one.
        full_negative_prompt: the same for the negative prompt.
        prompt_expansion: the expansion, which is the last of ``full_prompt``; empty if there was none.
        styles: the styles by the names that they have in Fooocus.
        of: the ``fingerprint`` of what they were written from; empty if they hold whatever that is.
    """

    full_prompt: tuple[str, ...]
    full_negative_prompt: tuple[str, ...] = ("",)
    prompt_expansion: str = ""
    styles: tuple[str, ...] = ()
    of: str = ""

    def hold_for(
        self, prompt: str, negative_prompt: str, styles: Sequence[str], *, expansion: bool
    ) -> bool:
        """Whether these texts are what comes of the arguments: nobody has edited them since."""
        return self.of in ("", fingerprint(prompt, negative_prompt, styles, expansion=expansion))

    def to_json(self) -> dict[str, Any]:
        """Return the texts as JSON has them, without what is empty."""
        values = {name: getattr(self, name) for name in (*_LISTS, *_TEXTS)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v}

    def to_text(self) -> str:
        """Return the texts as one line of JSON, which ``read`` takes back."""
        return json.dumps(self.to_json(), ensure_ascii=False)


def fingerprint(
    prompt: str, negative_prompt: str, styles: Sequence[str], *, expansion: bool
) -> str:
    """Return 16 hexadecimal digits that change with anything that bears on the texts of a picture.

    Tags of LoRAs and blanks around lines bear on none: the webui adds the former and trims the latter.
    """
    made_of = [_plain(prompt), _plain(negative_prompt), list(styles), expansion]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


def _plain(text: str) -> str:
    lines = (line.strip() for line in _TAG.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def read(value: object) -> OriginalTexts | None:
    """Return original texts given as such, as an object or as its JSON text; None for none.

    Raises:
        RequestError: names what is wrong, and what is allowed.
    """
    if isinstance(value, OriginalTexts):
        return value
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _refusal(value) from None
    if not isinstance(value, Mapping):
        raise _refusal(value)
    for key in value:
        if key not in (*_LISTS, *_TEXTS):
            raise _refusal(key)
    values: dict[str, Any] = {"full_prompt": ()}
    values.update({key: _texts(key, value[key]) for key in _LISTS if key in value})
    values.update({key: _texts(key, [value[key]])[0] for key in _TEXTS if key in value})
    return _checked(OriginalTexts(**values))


def _checked(found: OriginalTexts) -> OriginalTexts:
    for key in ("full_prompt", "full_negative_prompt"):
        if not getattr(found, key):
            raise _refusal([], key)
    if found.prompt_expansion and found.prompt_expansion != found.full_prompt[-1]:
        raise _refusal(found.prompt_expansion, "prompt_expansion")
    length = sum(len(text) for key in _LISTS for text in getattr(found, key))
    if length > MAX_CHARACTERS:
        raise _refusal(length, "its characters")
    return found


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_TEXTS:
        raise _refusal(value, key)
    for text in value:
        if not isinstance(text, str) or not is_writable(text) or "\0" in text:
            raise _refusal(text, key)
    return tuple(value)


def _refusal(value: object, key: str = "") -> RequestError:
    where = f" as {key}" if key else ""
    return RequestError(f"{NAME}: got {describe(value)}{where}; allowed: {ALLOWED}.")

"""Unicode's normal forms of texts that users bring, in linear time; and the marks that are a part of words.

Python puts the combining marks behind a letter in order one by one, in time that grows with the square of
their number: 0.3 s for 20 000 of them. No language has more than a few. So a longer run is normalised
piece by piece, as long as those of Unicode's stream-safe text format (UAX #15).
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

LONGEST_RUN = 30
"""Combining marks in a row that are put in order together, as in UAX #15."""
_FIRST_MARK = "\u0300"
_AFTER_MARKS = 0x20000
"""From here on there are no marks but those that choose between forms of one character."""


def normal_form(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """Return a text in a normal form; of more than 30 combining marks in a row, each 30 by themselves."""
    if text.isascii():
        return text
    pieces, start, run = [], 0, 0
    for place, character in enumerate(text):
        run = run + 1 if character >= _FIRST_MARK and _is_mark(character) else 0
        if run > LONGEST_RUN:
            pieces.append(text[start:place])
            start, run = place, 1
    pieces.append(text[start:])
    return "".join(unicodedata.normalize(form, piece) for piece in pieces)


def _is_mark(character: str) -> bool:
    """Whether a character is put in order among those around it; some are only when taken apart."""
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) > 0


@functools.cache
def marks() -> str:
    r"""Return the marks that words are written with, vowels and accents, as in a regular expression's ``[]``.

    Hindi, Thai, Tamil and other scripts write most words with them, and ``\w`` means none.
    """
    found = [
        code
        for code in range(ord(_FIRST_MARK), _AFTER_MARKS)
        if unicodedata.category(chr(code)) in ("Mn", "Mc")
    ]
    known = set(found)
    first = (code for code in found if code - 1 not in known)
    last = (code for code in found if code + 1 not in known)
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(first, last, strict=True))

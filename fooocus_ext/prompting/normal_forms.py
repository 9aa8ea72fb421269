"""Unicode's normal forms of texts that users bring, in linear time.

Python puts the combining marks behind a letter in order one by one, in time that grows with the square of
their number: 0.3 s for 20 000 of them. No language has more than a few. So a longer run is normalised
piece by piece, as long as those of Unicode's stream-safe text format (UAX #15).
"""

from __future__ import annotations

import unicodedata
from typing import Literal

LONGEST_RUN = 30
"""Combining marks in a row that are put in order together, as in UAX #15."""
_FIRST_MARK = "\u0300"


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

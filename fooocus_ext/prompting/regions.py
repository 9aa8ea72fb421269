"""Where an expansion goes in a prompt that is divided among regions of the picture (Regional Prompter)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fooocus_ext.prompting.lines import COMMA, EDGES

_END_OF_COMMON_PART = "ADDCOMM"
_DIVISION = re.compile(r"\b(?:BREAK|ADDCOL|ADDROW)\b")
_IN_THE_LAST_REGION = (
    "The prompt is divided by BREAK, ADDCOL or ADDROW: the expansion stands in its last part alone. With "
    "Regional Prompter, write ADDCOMM behind a common part to have it there."
)


def with_expansion(texts: Sequence[str], expansion: str) -> tuple[str, ...]:
    """Return texts with an expansion in the part common to all regions, or else behind them."""
    for at, text in enumerate(texts):
        common, mark, regions = text.partition(_END_OF_COMMON_PART)
        if mark:
            grown = f"{common.rstrip(EDGES)}{COMMA}{expansion} {mark}{regions}"
            return (*texts[:at], grown, *texts[at + 1 :])
    return (*texts, expansion)


def expansion_notes(texts: Sequence[str]) -> tuple[str, ...]:
    """Return what there is to say of an expansion that only one of several regions gets."""
    if any(_END_OF_COMMON_PART in text for text in texts):
        return ()
    return (_IN_THE_LAST_REGION,) if any(_DIVISION.search(text) for text in texts) else ()

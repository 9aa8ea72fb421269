"""A prompt box taken apart: what is the main text, and which lines are texts of their own.

Fooocus takes every line of a prompt box as a text of its own. Users of the webui break long
prompts wherever they like, so that rule holds only where texts are put together anyway: when a style
is applied, or when a prompt of several lines is joined by another separator than a comma (Fooocus's
own way to encode texts separately, `` BREAK ``). Then each line is trimmed of spaces, commas and
dots, blank lines are dropped, the first line that is more than tags is the main text and the others
follow as they are. A line break inside brackets ends no line. Otherwise the whole box, as typed, is the
main text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fooocus_ext.prompting.grammar import Part, join_parts, split_lines, split_parts, without_tags

COMMA = ", "
EDGES = ",. \r\n"


@dataclass(frozen=True)
class TypedText:
    """A prompt box taken apart.

    Attributes:
        main: the main text; of a divided prompt, the parts' main texts, divided again.
        further: the further lines of each part.
    """

    main: str
    further: list[list[str]]


def take_apart(
    text: str, has_styles: bool, separator: str, *, divides: bool, in_lines: bool = False
) -> TypedText:
    """Take a prompt box apart.

    Args:
        text: as typed.
        has_styles: whether styles are applied.
        separator: what texts are joined with.
        divides: whether the parts of a prompt divided by ``AND`` are prompts of their own.
        in_lines: whether every line is a text of its own in any case, as in Fooocus.
    """
    parts = split_parts(text) if divides else [Part(text)]
    rows = [_split_lines(part.text, has_styles or in_lines, separator) for part in parts]
    further = [lines for _main, lines in rows]
    if len(parts) == 1:
        return TypedText(rows[0][0], further)
    if not has_styles and not in_lines and not any(further):
        return TypedText(text, further)
    mains = [main + part.weight for (main, _lines), part in zip(rows, parts, strict=True)]
    return TypedText(join_parts(mains), further)


def _split_lines(text: str, has_styles: bool, separator: str) -> tuple[str, list[str]]:
    """Return the main text and the further lines; see the module's text for the rule."""
    lines = [line for line in map(tidy, split_lines(text)) if line]
    independent = has_styles or (separator != COMMA and len(lines) > 1)
    if not independent:
        return text, []
    if not lines:
        return "", []
    # In Fooocus a first line of tags alone is an empty main text. Here it is a further line, so that
    # styles and expansion act on the words below it.
    words = [without_tags(line).strip(EDGES) for line in lines]
    main = next((number for number, word in enumerate(words) if word), 0)
    return lines[main], [*lines[:main], *lines[main + 1 :]]


def even_commas(text: str) -> str:
    """Return a text with a space behind each comma, none before it, and nothing empty between two."""
    pieces = (piece.strip() for piece in text.split(","))
    return COMMA.join(piece for piece in pieces if piece)


def tidy(line: str) -> str:
    """Return a line without repeated spaces and without spaces, commas and dots at its ends."""
    return re.sub(" {2,}", " ", line).strip(EDGES)

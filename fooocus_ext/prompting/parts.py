"""The parts of a positive prompt, which ``AND`` divides: each is a prompt of its own to the host.

Each gets the styles and the expansion, and ends in its weight. One that is weighted 0 or less stays as
it is, and so does an empty one beside others, which the host encodes as an empty prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from fooocus_ext.prompting.grammar import Part, split_parts, without_tags
from fooocus_ext.prompting.lines import COMMA, EDGES, tidy
from fooocus_ext.prompting.styles import Style, apply_styles


@dataclass(frozen=True)
class PositivePart:
    """One part of the positive prompt (see ``AND``): its texts in order, and its weight as typed.

    Attributes:
        texts: what is joined.
        weight: the weight at its end, with its colon; empty for none.
        grows: whether an expansion is added: not to what the picture is not to show.
    """

    texts: tuple[str, ...]
    weight: str = ""
    grows: bool = True


def parts_of(main: str) -> list[Part]:
    """Return the parts of a main text, each without spaces, commas and dots at its ends."""
    return [Part(tidy(part.text), part.weight) for part in split_parts(main)]


def subject_of(parts: Sequence[Part]) -> str:
    """Return what an expander continues: all that the picture is to show, on one line."""
    wanted = [without_tags(part.text) for part in parts if part.is_wanted]
    return tidy(" ".join(COMMA.join(text for text in wanted if text.strip()).split()))


def positive_parts(
    parts: Sequence[Part], further: Sequence[Sequence[str]], styles: Sequence[Style]
) -> tuple[PositivePart, ...]:
    """Return each part with its further lines behind it, and with the styles applied.

    A part that is not wanted gets no styles, nor does an empty one beside one that says something. A
    wildcard may have brought in more parts than were typed; those have no lines of their own.
    """
    rows = [
        (part, lines, part.is_wanted and _says_anything([part.text, *lines]))
        for part, lines in zip_longest(parts, further[: len(parts)], fillvalue=())
        if isinstance(part, Part)
    ]
    all_empty = not any(says for _part, _lines, says in rows)
    return tuple(
        _styled_part(part, lines, styles)
        if says or (all_empty and part.is_wanted)
        else PositivePart((part.text, *lines), part.weight, grows=False)
        for part, lines, says in rows
    )


def _says_anything(texts: Iterable[str]) -> bool:
    return any(without_tags(text).strip(EDGES) for text in texts)


def _styled_part(part: Part, lines: Sequence[str], styles: Sequence[Style]) -> PositivePart:
    """Return one part with the styles applied."""
    texts = apply_styles(styles, part.text, extra_positive=lines).positive
    return PositivePart(tuple(texts), part.weight)

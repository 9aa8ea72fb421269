r"""Arrays: ``[[red, green, blue]]`` gives each image of a job the next combination.

Grammar. An array is ``[[`` ... ``]]`` whose brackets belong together and whose body has at least one
comma of its own, that is, a comma outside further brackets, parentheses and ``<name:...>`` tags.
Everything else is left to the host, so ``((a))``, ``(a:1.2)``, ``[a|b]``, ``[a:b:0.5]``, ``[[a]]``
and unbalanced brackets mean what they mean there. A backslash takes the special meaning from the
character behind it; inside an array ``\,`` is a comma that does not separate. In Fooocus ``[[a]]`` is an
array, too: of a single item.

A scanner serves this better than a grammar would: prompts are free text in which every bracket may
also be unbalanced, and then has to stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from fooocus_ext.prompting.grammar import Mark, marks_of, partners_of

MAX_NESTING = 16


def apply_arrays(
    text: str, index: int, *, single: bool = False, note: Callable[[str], None] | None = None
) -> str:
    """Replace every array of ``text`` by its item for one image.

    The first array varies fastest (Fooocus 2.5's order): image ``index`` takes combination
    ``index mod product`` of all. Items are trimmed and may be empty. Arrays may stand inside tags
    (``<lora:[[a, b]]:1>``) and inside items: an inner one moves on when all outer ones have gone
    round, and is left as text below ``MAX_NESTING`` levels.

    Args:
        text: a prompt; without arrays it is returned as it is.
        index: the image's number in its job, from 0.
        single: whether a body without square brackets may do without a comma, as in Fooocus.
        note: called with a sentence if nested arrays are left as text.
    """
    for _level in range(MAX_NESTING):
        arrays = _find_arrays(text, single)
        if not arrays:
            return text
        text, index = _choose(text, arrays, index)
    if note and _find_arrays(text, single):
        note(f"Arrays: those nested deeper than {MAX_NESTING} levels are left as text.")
    return text


def _choose(text: str, arrays: list[_Array], index: int) -> tuple[str, int]:
    pieces = []
    end = 0
    for array in arrays:
        index, choice = divmod(index, len(array.items))
        pieces += [text[end : array.start], array.items[choice]]
        end = array.end
    return "".join([*pieces, text[end:]]), index


@dataclass(frozen=True)
class _Array:
    start: int
    end: int
    items: list[str]


def _find_arrays(text: str, single: bool) -> list[_Array]:
    """Return the outermost arrays from left to right."""
    if "[[" not in text or "]]" not in text:
        return []
    marks = marks_of(text)
    partners = partners_of(marks)
    arrays: list[_Array] = []
    at = 0
    while at < len(marks):
        array = _array_at(text, marks, partners, at, single)
        if array is None:
            at += 1
            continue
        arrays.append(array)
        at = partners[at] + 1
    return arrays


def _array_at(
    text: str, marks: list[Mark], partners: dict[int, int], outer: int, single: bool
) -> _Array | None:
    """Return the array whose first bracket is ``marks[outer]``, if there is one."""
    inner = outer + 1
    outer_end, inner_end = partners.get(outer), partners.get(inner)
    if outer_end is None or inner_end is None or outer_end != inner_end + 1:
        return None
    start, end = marks[outer].position, marks[outer_end].position
    is_square = marks[outer].kind == marks[inner].kind == "["
    touches = marks[inner].position == start + 1 and marks[inner_end].position == end - 1
    if not (is_square and touches):
        return None
    own = _own_marks(marks, partners, inner, inner_end)
    commas = [mark.position for mark in own if mark.kind == ","]
    if not commas and not (single and all(mark.kind != "[" for mark in own)):
        return None
    edges = [start + 1, *commas, end - 1]
    items = [text[left + 1 : right].strip() for left, right in pairwise(edges)]
    return _Array(start, end + 1, [item.replace("\\,", ",") for item in items])


def _own_marks(
    marks: list[Mark], partners: dict[int, int], opening: int, closing: int
) -> list[Mark]:
    """Return the marks between two others that are in nothing else."""
    own = []
    at = opening + 1
    while at < closing:
        own.append(marks[at])
        at = partners.get(at, at) + 1
    return own

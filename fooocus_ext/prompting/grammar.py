r"""What of the webui's prompt grammar must keep its meaning when texts are put together.

Brackets weigh, alternate and schedule (``(a:1.2)``, ``[a|b]``, ``[a:b:0.5]``), ``AND`` divides a prompt
into parts that end in their weight, tags in angle brackets name LoRAs, ``#`` begins a comment. A backslash
takes the special meaning from the character behind it. In free text every bracket may also be
unbalanced; then it is an ordinary character here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_SPECIAL = re.compile(r"\\.|<\w+:|[\[\](),>]", re.DOTALL)
_CLOSERS = {")": "(", ">": "<"}
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_EXTRA_NETWORK = re.compile(r"<\w+:[^<>]+>")
# As the webui divides and weighs prompts (v1.10, ``prompt_parser.get_multicond_prompt_list``).
AND = re.compile(r"\bAND\b")
# A digit has one place in this pattern: with two, a long number would take quadratic time.
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_WEIGHT = re.compile(NUMBER)
LARGEST_WEIGHT = 3.4e38
"""What single precision holds. A larger number would make a picture of nothing, and is text."""


class Mark(NamedTuple):
    """A character of the text that means something: where it is, and what (``<`` for a tag)."""

    position: int
    kind: str


@dataclass(frozen=True)
class Part:
    """One part of a prompt divided by ``AND``.

    Attributes:
        text: the part without its weight.
        weight: the weight as typed, with its colon and the spaces before it; empty for none.
    """

    text: str
    weight: str = ""

    @property
    def is_wanted(self) -> bool:
        """Whether the part says what the picture is to show: its weight is above 0."""
        return not self.weight or weight_of(self.weight) > 0


def weight_of(typed: str) -> float:
    """Return the number of a part's weight, which has its colon before it and blanks of any kind around."""
    # float() would refuse some of the blanks that str.strip() and the webui's patterns know (0x1C).
    return float(typed.rpartition(":")[2].strip())


def marks_of(text: str) -> list[Mark]:
    """Return the brackets, commas and tags of a text, from left to right, without escaped ones."""
    return [
        Mark(found.start(), found[0][0])
        for found in _SPECIAL.finditer(text)
        if not found[0].startswith("\\")
    ]


def partners_of(marks: list[Mark]) -> dict[int, int]:
    """Match opening marks with closing ones; the result maps indices into ``marks``.

    A square bracket closes the nearest open one whatever lies open between them, so an emoticon
    inside an array does no harm; a parenthesis or a tag closes only if it was opened last.
    """
    partners: dict[int, int] = {}
    open_marks: list[int] = []
    open_squares = 0
    for number, mark in enumerate(marks):
        if mark.kind in "[(<":
            open_marks.append(number)
            open_squares += mark.kind == "["
        elif mark.kind == "]" and open_squares:
            while marks[open_marks[-1]].kind != "[":
                open_marks.pop()
            partners[open_marks.pop()] = number
            open_squares -= 1
        elif open_marks and marks[open_marks[-1]].kind == _CLOSERS.get(mark.kind):
            partners[open_marks.pop()] = number
    return partners


def split_lines(text: str) -> list[str]:
    """Return the lines of a text; a line break between brackets that belong together divides nothing."""
    marks = marks_of(text)
    partners = partners_of(marks)
    spans = _outermost_spans(marks, partners)
    lines, start, span = [], 0, next(spans, None)
    for found in _LINE_BREAK.finditer(text):
        while span is not None and span[1] < found.start():
            span = next(spans, None)
        if span is None or found.start() < span[0]:
            lines.append(text[start : found.start()])
            start = found.end()
    return [*lines, text[start:]]


def _outermost_spans(marks: list[Mark], partners: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Yield where each outermost pair of brackets begins and ends, from left to right."""
    at = 0
    while at < len(marks):
        end = partners.get(at)
        if end is not None:
            yield marks[at].position, marks[end].position
            at = end
        at += 1


def split_parts(text: str) -> list[Part]:
    """Return the parts that ``AND`` divides a prompt into, each with its weight.

    A prompt that is not divided is one part without a weight: a number behind a colon at its end is
    rather the time or a ratio that it speaks of.
    """
    parts = AND.split(text)
    return [_part(part) for part in parts] if len(parts) > 1 else [Part(text)]


def _part(text: str) -> Part:
    body, colon, number = text.rpartition(":")
    is_weight = colon and _WEIGHT.fullmatch(number.strip())
    if not is_weight or abs(weight_of(number)) > LARGEST_WEIGHT:
        return Part(text)
    return Part(body.rstrip(), text[len(body.rstrip()) :].rstrip())


def join_parts(texts: list[str]) -> str:
    """Put parts together again."""
    return " AND ".join(text.strip() for text in texts)


def without_tags(text: str) -> str:
    """Return a text without its ``<lora:...>`` tags and their like."""
    return _EXTRA_NETWORK.sub("", text)


def tags_of(text: str) -> list[str]:
    """Return a text's ``<lora:...>`` tags and their like, in order."""
    return _EXTRA_NETWORK.findall(text)


def tag_spans(text: str) -> deque[tuple[int, int]]:
    """Return where each tag begins and ends, from left to right."""
    return deque(found.span() for found in _EXTRA_NETWORK.finditer(text))

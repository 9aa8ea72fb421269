"""Fooocus's emphasis: what of a text weighs how much.

``(x)`` weighs 1.1 times what surrounds it, ``(x:1.3)`` weighs 1.3 whatever surrounds it. Escaped parentheses
and square brackets are ordinary characters. Parentheses without partners are what Fooocus 2.5.5 makes of
them (``ldm_patched/modules/sd1_clip.py``, ``token_weights``): one that only closes keeps the next one from
opening, and one that only opens reaches up to the end if the text ends in one that closes.

All of it takes linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from fooocus_ext.prompting.grammar import LARGEST_WEIGHT

_MARK = re.compile(r"\\?[()]|:")
_STRONGER = 1.1


class Segment(NamedTuple):
    """A piece of a text and its weight."""

    text: str
    weight: float


class _Range(NamedTuple):
    """A part of the text that is still to be weighed: its characters, its parentheses, its weight."""

    start: int
    end: int
    first: int
    last: int
    weight: float


def weigh(text: str) -> list[Segment]:
    """Return the segments of a text, in order, without the parentheses that weigh them."""
    return _Weighing(text).segments()


class _Weighing:
    """The parentheses of one text.

    Attributes:
        at: where each parenthesis stands.
        opens: whether it opens.
        depth: how many are open before each of them, less those that were only closed.
        partner: for each that is closed again, by which.
        colons: where colons stand.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at: list[int] = []
        self.opens: list[bool] = []
        self.depth = [0]
        self.partner: dict[int, int] = {}
        self.colons: list[int] = []
        open_ones: list[int] = []
        for mark in _MARK.finditer(text):
            if mark[0] == ":":
                self.colons.append(mark.start())
            elif mark[0] in "()":
                self._add(mark.start(), mark[0] == "(", open_ones)

    def _add(self, position: int, opens: bool, open_ones: list[int]) -> None:
        number = len(self.at)
        self.at.append(position)
        self.opens.append(opens)
        self.depth.append(self.depth[-1] + (1 if opens else -1))
        if opens:
            open_ones.append(number)
        elif open_ones:
            self.partner[open_ones.pop()] = number

    def segments(self) -> list[Segment]:
        """Weigh the text, range by range."""
        found: list[Segment] = []
        waiting = [_Range(0, len(self.text), 0, len(self.at), 1.0)]
        while waiting:
            part = waiting.pop()
            opening = self._first_opening(part)
            if opening is None:
                self._add_text(found, part.start, part.end, part.weight)
                continue
            self._add_text(found, part.start, self.at[opening], part.weight)
            inner, rest = self._group(part, opening)
            if inner is None:
                self._add_text(found, self.at[opening], part.end, part.weight)
            waiting += [piece for piece in (rest, inner) if piece is not None]
        return found

    def _add_text(self, found: list[Segment], start: int, end: int, weight: float) -> None:
        if start < end:
            found.append(Segment(_unescaped(self.text[start:end]), weight))

    def _first_opening(self, part: _Range) -> int | None:
        """Return the first parenthesis that opens a group: nothing is open before it, or only closed."""
        ground = self.depth[part.first]
        return next(
            (
                number
                for number in range(part.first, part.last)
                if self.opens[number] and self.depth[number] == ground
            ),
            None,
        )

    def _group(self, part: _Range, opening: int) -> tuple[_Range | None, _Range | None]:
        """Return the inside of the group and what follows it; no inside where it is plain text."""
        closing = self.partner.get(opening, part.last)
        if closing < part.last:
            rest = _Range(self.at[closing] + 1, part.end, closing + 1, part.last, part.weight)
        else:
            closing, rest = part.last - 1, None
            if closing == opening or self.opens[closing] or self.at[closing] != part.end - 1:
                return None, None
        start, end = self.at[opening] + 1, self.at[closing]
        inner = _Range(start, end, opening + 1, closing, part.weight * _STRONGER)
        return self._with_number(inner), rest

    def _with_number(self, inner: _Range) -> _Range:
        """Return the inside of a group with the weight that it names at its end, if it does."""
        number = bisect_left(self.colons, inner.end) - 1
        colon = self.colons[number] if number >= 0 else -1
        last_mark = self.at[inner.last - 1] if inner.last > inner.first else inner.start
        if colon <= max(inner.start, last_mark):
            return inner
        try:
            weight = float(self.text[colon + 1 : inner.end])
        except ValueError:
            return inner
        is_weight = abs(weight) <= LARGEST_WEIGHT  # which "nan" is not either
        return inner._replace(end=colon, weight=weight) if is_weight else inner


def _unescaped(text: str) -> str:
    return text.replace("\\)", ")").replace("\\(", "(")

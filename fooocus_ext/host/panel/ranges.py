"""Numbers as the webui's X/Y/Z plot lets its users write them: one, or a range of them.

The webui's own reading of a range of fractions may go on to the step behind its end, and takes what it
cannot read for a number.
"""

from __future__ import annotations

import math
import re

from fooocus_ext.errors import RequestError

MOST_NUMBERS = 1000
"""of one range"""
_NUMBER = r"((?:[+-]\s*)?(?:\d+(?:\.\d*)?|\.\d+))"
_RANGE = re.compile(
    rf"\s*{_NUMBER}\s*-\s*{_NUMBER}(?:\s*\(\s*{_NUMBER}\s*\)|\s*\[\s*(\d{{1,4}})\s*\])?\s*"
)
_DIGITS = 10
"""behind the point: in steps of 0.1, 1 is not 0.9999999999999999"""
_ALLOWED = (
    'It must be a number, or a range of them such as "0-1 (+0.25)", "1-0 (-0.25)" or "0-1 [5]", '
    f"of {MOST_NUMBERS} at most."
)


def numbers(text: str) -> list[float]:
    """Return the numbers that a text means; none for an empty one.

    ``1-2 (+0.5)`` goes from 1 to 2 in steps of 0.5, or of 1 where no step is named; ``2-1 (-0.5)`` goes down;
    ``1-2 [5]`` are five numbers with equal steps between them. A range does not go beyond its end.

    Raises:
        RequestError: it is neither a number nor a range, or a range without a number.
    """
    if not text.strip():
        return []
    matched = _RANGE.fullmatch(text)
    found = _of_range(*matched.groups()) if matched else _single(text)
    if not found:
        raise RequestError(_ALLOWED)
    return [round(number, _DIGITS) + 0.0 for number in found]  # + 0.0: without the sign of -0.0


def _single(text: str) -> list[float]:
    try:
        return [float(text)]
    except ValueError:
        return []


def _of_range(first: str, last: str, by: str | None, count: str | None) -> list[float]:
    """Return the numbers from ``first`` to ``last``; none where they would not end, or not begin."""
    start, end = _read(first), _read(last)
    if count is not None:
        parts = max(int(count) - 1, 1)
        many, step = int(count), (end - start) / parts
    else:
        step = _read(by or "1")
        steps = (end - start) / step if step else math.inf
        many = math.floor(steps + 1e-9) + 1 if abs(steps) < MOST_NUMBERS else 0
    return [start + step * number for number in range(many)] if many <= MOST_NUMBERS else []


def _read(number: str) -> float:
    return float("".join(number.split()))  # the webui allows blanks behind the sign

"""Ends of a run that its user can act on."""

from __future__ import annotations


class UsageError(Exception):
    """What was asked for cannot be begun; the message says why, and what is allowed."""


class BadLinesError(UsageError):
    """Lines of a list are wrong.

    Attributes:
        problems: (number of the line, what is wrong with it), in order.
    """

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__(f"{len(problems)} lines of the list are wrong")
        self.problems = problems

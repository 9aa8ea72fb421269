"""How much is written: enough to dress a prompt, and no more of one kind than reads well."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST, LONGEST = 5, 9
"""phrases behind a prompt of ordinary length"""
_BRIEF, _FEW = (
    (4, 6),
    (2, 4),
)  # behind a long prompt; behind one that says everything itself, or says nothing
_LONG, _VERY_LONG = 20, 45  # words of prompt and styles
_OF_EACH = {
    "light": 2,
    "medium": 2,
    "mood": 2,
    "colour": 1,
    "detail": 2,
    "composition": 1,
    "finish": 1,
}


def phrase_count(words: int, seed: int, *, neutral: bool = False) -> int:
    """Return how many phrases to write, 2 to 9.

    Args:
        words: number of words of the prompt and its styles.
        seed: chooses within the range.
        neutral: the prompt cannot be read.
    """
    low, high = SHORTEST, LONGEST
    if neutral or words > _VERY_LONG:
        low, high = _FEW
    elif words > _LONG:
        low, high = _BRIEF
    return low + seed % (high - low + 1)


def facet_limits(facets: Sequence[str], count: int) -> list[int]:
    """Return how many of ``count`` phrases may be of each facet; more where there are more than usual."""
    share = max(1.0, count / LONGEST)
    return [round(_OF_EACH.get(facet, count) * share) for facet in facets]

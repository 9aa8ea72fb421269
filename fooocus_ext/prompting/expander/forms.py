"""Words that look the same to a reader: they differ in the ending alone."""

from __future__ import annotations

from collections.abc import Iterable

_ENDINGS = (
    *(
        "smanship",
        "ifully",
        "icity",
        "ition",
        "ance",
        "fully",
        "iful",
        "ious",
        "ment",
        "ness",
        "piece",
    ),
    *("ant", "ful", "ing", "ion", "ity", "ed", "es", "ic", "ly", "e", "s", "y"),
)
"""The longer come before the shorter that they end in."""
_SHORTEST_STEM = 4


class Forms:
    """Finds the other forms of words.

    Args:
        words: among which they are looked for.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._by_stem: dict[str, set[str]] = {}
        for word in words:
            self._by_stem.setdefault(_stem(word), set()).add(word)

    def of(self, words: Iterable[str]) -> set[str]:
        """Return words and their other forms."""
        words = set(words)
        return words.union(*(self._by_stem.get(_stem(word), ()) for word in words))


NO_FORMS = Forms(())
"""Finds none: each word is its own only form."""


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word

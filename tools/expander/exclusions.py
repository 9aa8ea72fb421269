"""What may not reach the model: names of artists and other people, brands, platforms, anything unsafe.

Two gates stand one behind the other. The list in ``words/exclusions.txt`` and the artists' names that
the modifiers' package ships refuse a phrase (this module). Behind it, the model can only ever write
words of our own phrases (``phrases/``), because a mined phrase with any other word is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.expander.sources import HERE, interrogator_list, read_keyed_lists

_WORD = re.compile(r"[^\W\d_]+")
_PLAIN = re.compile(r"[a-z]+(?: [a-z]+)*")


def words_of(text: str) -> list[str]:
    """Return the lower-case words of ``text``, without digits and punctuation."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Exclusions:
    """Decides whether a phrase is refused, and says why.

    Attributes:
        listed: refused word sequences, each with its kind (``brand``, ``unsafe``, ...).
        artists: full names of artists, in lower case.
        surnames: last names of artists that are not ordinary words.
    """

    listed: dict[tuple[str, ...], str]
    artists: frozenset[tuple[str, ...]]
    surnames: frozenset[str]

    def reason(self, phrase: str) -> str | None:
        """Return the kind of exclusion that ``phrase`` falls under, or None if it may be used."""
        if not _PLAIN.fullmatch(phrase):
            return "not plain lower-case words"
        words = words_of(phrase)
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + 4) + 1):
                kind = self._kind(tuple(words[start:end]))
                if kind:
                    return kind
        return None

    def _kind(self, words: tuple[str, ...]) -> str | None:
        if words in self.listed:
            return self.listed[words]
        if words in self.artists:
            return "artist"
        return "artist" if len(words) == 1 and words[0] in self.surnames else None


def load_exclusions(ordinary_words: Iterable[str]) -> Exclusions:
    """Read the lists.

    Args:
        ordinary_words: words that stay allowed although an artist bears them as a surname (a painter
            called Wood does not forbid wood); a full name stays refused.
    """
    listed = {
        tuple(words_of(item)): kind
        for kind, items in read_keyed_lists(HERE / "words" / "exclusions.txt").items()
        for item in items
        if words_of(item)
    }
    names = [tuple(words_of(name)) for name in interrogator_list("artists")]
    ordinary = set(ordinary_words)
    surnames = {name[-1] for name in names if name and len(name[-1]) > 2}
    return Exclusions(
        listed=listed,
        artists=frozenset(name for name in names if len(name) > 1),
        surnames=frozenset(surnames - ordinary),
    )

"""The phrases that the model learns to write, all of them our own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

from tools.expander.sources import HERE, read_keyed_lists

ANY, MEDIUM = "any", "medium"


@dataclass(frozen=True)
class Phrase:
    """One phrase of a prompt.

    Attributes:
        text: one to five lower-case words, none twice.
        facet: what it speaks of: light, colour, mood, detail, composition, finish, or the technique of
            a medium.
        domains: the kinds of subject it was written for (file names in ``phrases/``).
    """

    text: str
    facet: str
    domains: frozenset[str]


def expand_alternatives(pattern: str) -> list[str]:
    """Return the phrases of a pattern: ``soft|warm light`` gives ``soft light`` and ``warm light``."""
    choices = [word.split("|") for word in pattern.split()]
    return [" ".join(words) for words in itertools.product(*choices)]


@cache
def own_phrases() -> tuple[Phrase, ...]:
    """Return the phrases of ``phrases/*.txt``; one that stands in two files suits both domains."""
    facets: dict[str, str] = {}
    domains: dict[str, set[str]] = {}
    for path in sorted((HERE / "phrases").glob("*.txt")):
        for facet, patterns in read_keyed_lists(path).items():
            for text in itertools.chain.from_iterable(map(expand_alternatives, patterns)):
                facets.setdefault(text, facet)
                domains.setdefault(text, set()).add(path.stem)
    return tuple(
        Phrase(text, facet, frozenset(domains[text])) for text, facet in sorted(facets.items())
    )


def own_words() -> frozenset[str]:
    """Return every word that our own phrases use: nothing else can ever be written."""
    return frozenset(word for phrase in own_phrases() for word in phrase.text.split())

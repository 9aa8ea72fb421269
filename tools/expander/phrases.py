"""The phrases that the model learns to write: our own, and frequent modifiers made of the same words."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from functools import cache

from tools.expander.exclusions import Exclusions
from tools.expander.sources import HERE, interrogator_list, read_keyed_lists

MINED_LIMIT = 450


@dataclass(frozen=True)
class Phrase:
    """One phrase of a prompt.

    Attributes:
        text: one to four lower-case words, none twice.
        facet: what it speaks of: light, mood, colour, material, detail, setting, composition, style,
            or a finish (camera, brush, render, line).
        domains: the kinds of subject it was written for (file names in ``phrases/``).
        mined: it comes from the list of frequent modifiers, not from our own phrases.
    """

    text: str
    facet: str
    domains: frozenset[str]
    mined: bool = False


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


def mined_candidates(exclusions: Exclusions) -> list[tuple[str, str]]:
    """Return frequent modifiers in our words as (phrase, facet), most frequent first.

    Taken are phrases of two or three different words that end in one of the heads of
    ``words/mining.txt`` (it gives the facet) and whose other words qualify something in at least two of
    our own phrases.
    """
    lists = read_keyed_lists(HERE / "words" / "mining.txt")
    qualifiers = _qualifiers() - set(lists.pop("stop"))
    heads = {head: key.removeprefix("head ") for key, words in lists.items() for head in words}
    known = {phrase.text for phrase in own_phrases()}
    found: dict[str, str] = {}
    for line in interrogator_list("flavors"):
        words = line.lower().split()
        if not 2 <= len(words) <= 3 or len(set(words)) < len(words) or words[-1] not in heads:
            continue
        text = " ".join(words)
        if text not in known and qualifiers.issuperset(words[:-1]) and not exclusions.reason(text):
            found.setdefault(text, heads[words[-1]])
    return list(found.items())[:MINED_LIMIT]


def _qualifiers() -> frozenset[str]:
    """Words that stand before the last one in at least two of our own phrases."""
    uses = Counter(word for phrase in own_phrases() for word in phrase.text.split()[:-1])
    return frozenset(word for word, count in uses.items() if count >= 2)

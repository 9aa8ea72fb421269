"""What a prompt says, and which words would fight it.

``harmony.txt`` lists words for facts ("night" for ``time.night``, "oil on canvas" for
``medium.painting``) and which facts do not go together. Prompts, styles and the expander's own phrases
are read with the same lists. A phrase is allowed only if it brings no time, weather, season or medium of its
own, names no thing, and says nothing that clashes with what the prompt, its styles or an earlier phrase says.
The language model chooses among what is allowed; so these points hold whatever it would like to write.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooocus_ext.normal_forms import normal_form

RULES_FILE = Path(__file__).with_name("harmony.txt")
Mask = npt.NDArray[np.bool_]

_TOKEN = re.compile(r"[a-z]*\d+(?:\.\d+)?[a-z]*|[a-z]+|[,.;:!?()\n]")
_BREAKS = frozenset(",.;:!?()\n")
_SCOPE_ENDS = frozenset(["but", "at", "in", "on", "under", "during", "with", "by"])
_SHORTEST_PLURAL = 4
_FOREIGN_WORDS = 2  # so many words of another language tell that a text is in it


@dataclass(frozen=True)
class Reading:
    """What a text says.

    Attributes:
        said: its facts.
        denied: facts that it excludes ("no fog").
        foreign: it is in another language than English.
    """

    said: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    foreign: bool = False

    def beside(self, other: Reading) -> Reading:
        """Return what two texts say together."""
        return Reading(self.said | other.said, self.denied | other.denied, self.foreign)


@dataclass(frozen=True)
class Rules:
    """The lists of ``harmony.txt``.

    Attributes:
        lexicon: facts of each sequence of words; none for words that say nothing.
        negations: sequences of words behind which things are denied.
        sealed: sequences of words whose parts say nothing.
        inside: groups of facts that are said by a part of a longer match, too.
        foreign: words of other languages.
        neutral: phrases that suit a text that cannot be read.
        facts: the facts in the order of the columns and rows of the tables below.
        clashes: which facts do not go together, symmetric, ``[facts, facts]``.
        given: facts that are only repeated, never brought in, ``[facts]``.
        never: facts of things, ``[facts]``.
    """

    lexicon: dict[tuple[str, ...], frozenset[str]]
    negations: frozenset[tuple[str, ...]]
    sealed: frozenset[tuple[str, ...]]
    inside: frozenset[str]
    foreign: frozenset[str]
    neutral: frozenset[str]
    facts: tuple[str, ...]
    clashes: Mask
    given: Mask
    never: Mask

    def read(self, text: str) -> Reading:
        """Return what ``text`` says. The longest sequence of words counts where several match."""
        tokens = list(_tokens(text))
        said: set[str] = set()
        denied: set[str] = set()
        negated, place = False, 0
        while place < len(tokens):
            token = tokens[place]
            words = self._longest(tokens, place)
            negated = negated and token not in _BREAKS and token not in _SCOPE_ENDS
            if words:
                (denied if negated else said).update(self._facts(words))
            elif any(tuple(tokens[place : place + len(n)]) == n for n in self.negations):
                negated = True
            place += max(1, len(words))
        return Reading(frozenset(said), frozenset(denied - said), self._is_foreign(text, tokens))

    def lists(self, word: str) -> bool:
        """Tell whether a word says anything by itself."""
        return (_singular(word),) in self.lexicon

    def says(self, texts: Iterable[str]) -> Mask:
        """Return which facts each text says, ``[texts, facts]``."""
        said = [self.read(text).said for text in texts]
        table = np.zeros((len(said), len(self.facts)), dtype=bool)
        column = {fact: place for place, fact in enumerate(self.facts)}
        for row, facts in zip(table, said, strict=True):
            row[[column[fact] for fact in facts]] = True
        return table

    def columns(self, facts: Iterable[str]) -> Mask:
        """Return facts as a row of the tables, ``[facts]``."""
        wanted = frozenset(facts)
        return np.array([fact in wanted for fact in self.facts])

    @cached_property
    def _longest_entry(self) -> int:
        return max(map(len, self.lexicon))

    def _longest(self, tokens: Sequence[str], place: int) -> tuple[str, ...]:
        singular = tuple(map(_singular, tokens[place : place + self._longest_entry]))
        for end in range(len(singular), 0, -1):
            words = singular[:end]
            if words in self.lexicon:
                return words
        return ()

    def _facts(self, words: tuple[str, ...]) -> set[str]:
        """Return what a match says, and what is said inside it."""
        said = set(self.lexicon[words])
        if words in self.sealed:
            return said
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                inner = self.lexicon.get(words[start:end], ())
                said.update(fact for fact in inner if fact.partition(".")[0] in self.inside)
        return said

    def _is_foreign(self, text: str, tokens: Sequence[str]) -> bool:
        letters = [char for char in text if char.isalpha()]
        latin = sum("LATIN" in unicodedata.name(char, "") for char in letters)
        strange = self.foreign.intersection(tokens)
        return 2 * latin < len(letters) or len(strange) >= _FOREIGN_WORDS


class Accord:
    """Which phrases may still be written behind one text.

    Args:
        rules: what clashes.
        says: which facts each phrase says, ``[phrases, facts]``.
        reading: what the prompt and its styles say.
        facets: number of the facet of each phrase, ``[phrases]``; None where they have none.
        limits: how many phrases of each facet may be written.
    """

    def __init__(
        self,
        rules: Rules,
        says: Mask,
        reading: Reading,
        facets: npt.NDArray[np.int64] | None = None,
        limits: Sequence[int] = (),
    ) -> None:
        said = rules.columns(reading.said)
        unsaid = (rules.given & ~said) | rules.never | rules.columns(reading.denied)
        self._rules = rules
        self._says = says
        self._facets = facets
        self._left = list(limits)
        self.allowed: Mask = ~(says & unsaid).any(axis=1)
        self._forbid(said)

    def add(self, index: int) -> None:
        """Take a phrase: what it says counts from now on, and its facet has one place less."""
        self._forbid(self._says[index])
        if self._facets is not None and self._left:
            facet = self._facets[index]
            self._left[facet] -= 1
            if self._left[facet] <= 0:
                self.allowed &= self._facets != facet

    def _forbid(self, said: Mask) -> None:
        """Close the phrases that clash with facts, ``[facts]``."""
        forbidden = self._rules.clashes[said].any(axis=0)
        self.allowed &= ~(self._says & forbidden).any(axis=1)


@cache
def load_rules(path: Path = RULES_FILE) -> Rules:
    """Read the rules.

    Raises:
        ValueError: a line is of no known kind, or a clash names a fact that no words say.
    """
    lines = list(_lines(path))
    lexicon: dict[tuple[str, ...], set[str]] = {}
    sealed: set[tuple[str, ...]] = set()
    lists: dict[str, list[str]] = {}
    for key, items in lines:
        if key == "nothing" or key.startswith("says "):
            for words in (tuple(map(_singular, _tokens(item))) for item in items):
                found = lexicon.setdefault(words, set())
                if key == "nothing":
                    sealed.add(words)
                else:
                    found.add(key.removeprefix("says "))
        else:
            lists.setdefault(key, []).extend(items)
    unknown = set(lists) - {
        "given",
        "never",
        "inside",
        "one of",
        "clash",
        "not",
        "foreign",
        "neutral",
    }
    if unknown:
        raise ValueError(f"{path.name}: no line may begin with {min(unknown)!r}")
    facts = tuple(dict.fromkeys(k.removeprefix("says ") for k, _ in lines if k.startswith("says ")))
    return Rules(
        lexicon={words: frozenset(said) for words, said in lexicon.items()},
        negations=frozenset(tuple(_tokens(item)) for item in lists["not"]),
        sealed=frozenset(sealed),
        inside=frozenset(lists["inside"]),
        foreign=frozenset(lists["foreign"]),
        neutral=frozenset(lists["neutral"]),
        facts=facts,
        clashes=_clashes(facts, lists["one of"], lists["clash"]),
        given=_of_groups(facts, lists["given"]),
        never=_of_groups(facts, lists["never"]),
    )


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, items = line.partition(":")
            yield key.strip(), [item.strip() for item in items.split(";") if item.strip()]


def _tokens(text: str) -> Iterator[str]:
    """Yield the lower-case words, numbers and marks of a text, without accents and possessive endings."""
    plain = normal_form("NFKD", text).lower().replace("&", " and ").replace("’", "'")
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    yield from _TOKEN.findall(plain.replace("'s ", " "))


def _singular(word: str) -> str:
    plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word


def _of_groups(facts: Sequence[str], groups: Sequence[str]) -> Mask:
    return np.array([fact.partition(".")[0] in groups for fact in facts])


def _clashes(facts: Sequence[str], single: Sequence[str], listed: Sequence[str]) -> Mask:
    """Return the table of what does not go together; a fact goes with itself."""
    table = np.zeros((len(facts), len(facts)), dtype=bool)
    for group in single:
        members = _of_groups(facts, [group])
        table |= members[:, None] & members[None, :]
    for line in listed:
        left, right = (
            [facts.index(fact.strip()) for fact in side.split(",")] for side in line.split("/")
        )
        table[np.ix_(left, right)] = True
    table |= table.T
    np.fill_diagonal(table, val=False)
    return table

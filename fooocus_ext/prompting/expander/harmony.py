"""What a prompt says, and which words would fight it.

``harmony.txt`` lists words for facts ("night" for ``time.night``, "oil on canvas" for
``medium.painting``) and which facts do not go together. Prompts, styles and the expander's own phrases
are read with the same lists. A phrase is allowed only if it suits every picture or repeats something that
the prompt or its styles say, brings nothing of its own that would decide about the picture (a time, a
medium, a light, a mood), names no thing, and says nothing that clashes with what the prompt, its styles or
an earlier phrase says (``accord.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fooocus_ext.normal_forms import normal_form

Mask = npt.NDArray[np.bool_]
Words = tuple[str, ...]

# "ß", "ł" and their like are no letters with an accent, but belong to a word: "çatı" is no "cat".
_TOKEN = re.compile(r"[a-z]*\d+(?:\.\d+)?[a-z]*|[a-z\u00df-\u00f6\u00f8-\u024f]+|[,.;:!?()\n]")
BREAKS = frozenset(",.;:!?()\n")
_PREPOSITIONS = frozenset(["at", "in", "on", "under", "during", "with", "by"])
_SCOPE_ENDS = BREAKS | _PREPOSITIONS | {"but"}
_BESIDE = frozenset(["a", "an", "the", "his", "her", "their", "its", "some", "and", "or"])
_FARTHEST_SCENE = 8  # words: "with pencils and ink and a poster" is looked through
_MADE = frozenset(["medium", "mark", "design"])  # what a picture is, and not only what is in it
_SUBJECTS = frozenset(["subject", "mark", "design"])
_SHORTEST_PLURAL = 4
_BEFORE_ES = ("che", "she", "sse", "xe", "zze", "oe")
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
        names: those of these facts that words say only as the name of a thing: "chocolate", but not
            "chocolate labrador".
        links: words and marks that may follow the name of a thing.
        scene: words behind which a thing stands in the picture, and is not what the picture is made in.
        negations: sequences of words behind which things are denied, the longest first.
        implied: groups of facts that a denial leaves alone if other words say them.
        sealed: sequences of words whose parts say nothing.
        inside: groups of facts that are said by a part of a longer match, too.
        foreign: words of other languages.
        friends: words that other languages have, too, where they mean something else.
        neutral: phrases that suit a text that cannot be read.
        common: further phrases that suit every text that can be read, unless they clash with it.
        facts: the facts in the order of the columns and rows of the tables below.
        clashes: which facts do not go together, symmetric, ``[facts, facts]``.
        given: facts that are only repeated, never brought in, ``[facts]``.
        decides: facts that are only repeated where each phrase needs a reason, ``[facts]``.
        never: facts that no phrase may say: those of things, ``[facts]``.
        earns: facts that call for phrases which say the same, ``[facts]``.
    """

    lexicon: dict[Words, frozenset[str]]
    names: dict[Words, frozenset[str]]
    links: frozenset[str]
    scene: frozenset[str]
    negations: tuple[Words, ...]
    implied: frozenset[str]
    sealed: frozenset[Words]
    inside: frozenset[str]
    foreign: frozenset[str]
    friends: frozenset[str]
    neutral: frozenset[str]
    common: frozenset[str]
    facts: tuple[str, ...]
    clashes: Mask
    given: Mask
    decides: Mask
    never: Mask
    earns: Mask

    def read(
        self, text: str, *, phrase: bool = False, knows: Callable[[str], bool] = lambda _: True
    ) -> Reading:
        """Return what ``text`` says. The longest sequence of words counts where several match.

        Args:
            text: a prompt, what styles say, or a phrase.
            phrase: a phrase of our own, in which a noun says the same wherever it stands.
            knows: tells whether a word is known; a false friend says nothing where most are not.
        """
        tokens = list(tokens_of(text))
        singular = list(map(singular_of, tokens))
        said: set[str] = set()
        denied: set[str] = set()
        elsewhere: list[str] = []
        doubtful = self._doubtful(tokens, knows)
        negated, place = False, 0
        while place < len(tokens):
            words = self._longest(singular, place)
            if place in doubtful and len(words) == 1:
                words = ()
            negation = next((n for n in self.negations if _stand_at(n, tokens, place)), ())
            negated = negated and tokens[place] not in _SCOPE_ENDS
            if words:
                facts = self._facts(words)
                if not phrase:
                    facts -= self._unsaid(tokens, singular, place, words)
                # "No cars and no people": what is a denial itself is not denied.
                (denied if negated and not negation else said).update(facts)
            elif negation:
                negated, place = True, place + len(negation)
                # "Never in winter": the preposition belongs to what is denied.
                place += place < len(tokens) and tokens[place] in _PREPOSITIONS
                continue
            else:
                elsewhere.append(tokens[place])
            place += max(1, len(words))
        denied -= {fact for fact in said if group_of(fact) in self.implied}
        foreign = self._is_foreign(text, elsewhere)
        return Reading(frozenset(said - denied), frozenset(denied), foreign)

    def lists(self, word: str) -> bool:
        """Tell whether a word says anything by itself."""
        return (singular_of(word),) in self.lexicon

    def says(self, texts: Iterable[str]) -> Mask:
        """Return which facts each text says, ``[texts, facts]``."""
        said = [self.read(text, phrase=True).said for text in texts]
        table = np.zeros((len(said), len(self.facts)), dtype=bool)
        column = {fact: place for place, fact in enumerate(self.facts)}
        for row, facts in zip(table, said, strict=True):
            row[[column[fact] for fact in facts]] = True
        return table

    def suit(self, phrases: Iterable[str]) -> Mask:
        """Return which phrases suit every text that can be read, unless they clash with it."""
        return np.array([phrase in self.neutral or phrase in self.common for phrase in phrases])

    def columns(self, facts: Iterable[str]) -> Mask:
        """Return facts as a row of the tables, ``[facts]``."""
        wanted = frozenset(facts)
        return np.array([fact in wanted for fact in self.facts])

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """The lengths of the entries that begin with a word, the longest first."""
        lengths: dict[str, set[int]] = {}
        for words in self.lexicon:
            lengths.setdefault(words[0], set()).add(len(words))
        return {word: sorted(found, reverse=True) for word, found in lengths.items()}

    def _longest(self, singular: Sequence[str], place: int) -> Words:
        """Return the longest entry that stands at a place among words without plurals; () for none."""
        first = singular[place] if place < len(singular) else ""
        for length in self._lengths.get(first, ()):
            words = tuple(singular[place : place + length])
            if words in self.lexicon:
                return words
        return ()

    def _facts(self, words: Words) -> set[str]:
        """Return what a match says, and what is said inside it."""
        said = set(self.lexicon[words])
        if words in self.sealed:
            return said
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                inner = self.lexicon.get(words[start:end], ())
                said.update(fact for fact in inner if group_of(fact) in self.inside)
        return said

    def _unsaid(
        self, tokens: Sequence[str], singular: Sequence[str], place: int, words: Words
    ) -> frozenset[str]:
        """Return which facts a match does not say where it stands in a prompt."""
        names = self.names.get(words, frozenset())
        # A phrase of ours is written for a subject; who types it has not named one.
        ours = (
            frozenset(fact for fact in self.lexicon[words] if group_of(fact) in _SUBJECTS) - names
        )
        if names and not self._names_a_thing(singular, place + len(words)):
            return ours | names
        made = frozenset(fact for fact in names if group_of(fact) in _MADE)
        return ours | made if made and self._is_in_scene(tokens, place) else ours

    def _names_a_thing(self, singular: Sequence[str], end: int) -> bool:
        """Tell whether the noun before ``end`` stands for itself: what follows is no other noun."""
        after, next_one = [*singular[end : end + 2], ",", ","][:2]
        facts = self.lexicon.get(self._longest(singular, end), frozenset())
        groups = set(map(group_of, facts))
        if after in self.links or "medium" in groups:
            return True
        if after.endswith("ing"):  # a ghost waving, but no skeleton king
            return not groups & {"thing", "face"}
        # A cake covered with ..., but no chocolate covered strawberries.
        return after.endswith("ed") and next_one in self.links

    def _is_in_scene(self, tokens: Sequence[str], place: int) -> bool:
        """Tell whether a thing only lies about: a desk with pencils and ink."""
        before = tokens[max(0, place - _FARTHEST_SCENE) : place]
        while before and (before[-1] in _BESIDE or (singular_of(before[-1]),) in self.names):
            before = before[:-1]
        return bool(before) and before[-1] in self.scene

    def _doubtful(self, tokens: Sequence[str], knows: Callable[[str], bool]) -> set[int]:
        """Return the places of false friends that stand between two marks among words mostly unknown."""
        if self.friends.isdisjoint(tokens):
            return set()
        doubtful: set[int] = set()
        start = 0
        for end in [place for place, token in enumerate([*tokens, "\n"]) if token in BREAKS]:
            part = range(start, end)
            friends = {place for place in part if tokens[place] in self.friends}
            others = [tokens[p] for p in part if p not in friends and tokens[p].isalpha()]
            if friends and 2 * sum(map(knows, others)) < len(others):
                doubtful |= friends
            start = end + 1
        return doubtful

    def _is_foreign(self, text: str, tokens: Sequence[str]) -> bool:
        """Tell whether a text is in another language, by its letters and by the words that no entry has."""
        letters = [char for char in text if char.isalpha()]
        latin = sum("LATIN" in unicodedata.name(char, "") for char in letters)
        strange = self.foreign.intersection(tokens)
        return 2 * latin < len(letters) or len(strange) >= _FOREIGN_WORDS


def tokens_of(text: str) -> Iterator[str]:
    """Yield the lower-case words, numbers and marks of a text, without accents and possessive endings."""
    plain = normal_form("NFKD", text).lower().replace("&", " and ").replace("’", "'")
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    yield from _TOKEN.findall(plain.replace("'s ", " "))


def _stand_at(words: Words, tokens: Sequence[str], place: int) -> bool:
    return tuple(tokens[place : place + len(words)]) == words


def group_of(fact: str) -> str:
    """Return the group of a fact: "time" of "time.night"."""
    return fact.partition(".")[0]


def singular_of(word: str) -> str:
    """Return what a word and its plural have in common: "glass" for "glass" and "glasses".

    It need be no word: "berry" for "berries", but then "zomby" for "zombie".
    """
    plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss")
    stem = word[:-1] if plural else word
    if len(stem) >= _SHORTEST_PLURAL and stem.endswith(_BEFORE_ES):
        return stem[:-1]
    return f"{stem[:-2]}y" if len(stem) > _SHORTEST_PLURAL and stem.endswith("ie") else stem

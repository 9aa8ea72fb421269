"""Prompts to continue: our own subjects in many frames, and phrases that people typed."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass

from tools.expander.clip_cost import clip_cost
from tools.expander.exclusions import Exclusions, words_of
from tools.expander.sources import (
    HERE,
    embedding_model_folder,
    interrogator_list,
    read_keyed_lists,
)

MIN_WORD_COUNT = 6


@dataclass(frozen=True)
class Subject:
    """A prompt before its continuation.

    Attributes:
        text: the prompt, lower case.
        domain: the kind of subject if it is one of ours, else None (then found by similarity).
    """

    text: str
    domain: str | None


def own_subjects() -> list[Subject]:
    """Return the nouns of ``words/subjects.txt``."""
    lists = read_keyed_lists(HERE / "words" / "subjects.txt")
    return [Subject(noun, domain) for domain, nouns in lists.items() for noun in nouns]


def typed_subjects(exclusions: Exclusions, modifiers: set[str]) -> list[Subject]:
    """Return the frequent phrases of two to five common words that are not themselves modifiers."""
    lines = [line.lower() for line in interrogator_list("flavors")]
    counts = Counter(word for line in lines for word in words_of(line))
    found = []
    for line in dict.fromkeys(lines):
        words = line.split()
        common = all(counts[word] >= MIN_WORD_COUNT for word in words)
        wanted = 2 <= len(words) <= 5 and common and line not in modifiers
        if wanted and exclusions.reason(line) is None:
            found.append(Subject(line, None))
    return found


def common_words(exclusions: Exclusions, limit: int) -> list[str]:
    """Return the words that people most often use in prompts, for prompts about anything.

    Taken are words that the embedding model knows whole (it has to say what suits them) and that are
    one token of CLIP.
    """
    counts = Counter(word for line in interrogator_list("flavors") for word in words_of(line))
    vocabulary = (embedding_model_folder() / "vocab.txt").read_text(encoding="utf-8")
    known = set(vocabulary.splitlines())
    found = (
        word
        for word, count in counts.most_common()
        if count > 1 and len(word) > 2 and word in known and exclusions.reason(word) is None
    )
    return [word for word in found if clip_cost(word) == 1][:limit]


class PromptMaker:
    """Dresses a subject as people write prompts: medium, adjective, place, company.

    Args:
        subjects: what can be dressed.
        words: single words; each gets its turn as a subject.
        seed: seed of this maker's own random generator.
    """

    def __init__(self, subjects: list[Subject], words: list[str], seed: int) -> None:
        self._random = random.Random(seed)
        self._words = itertools.cycle(self._random.sample(words, len(words)))
        self._subjects = subjects
        self._own = [subject for subject in subjects if subject.domain]
        self._parts = read_keyed_lists(HERE / "words" / "frames.txt")
        mediums = [medium.lower() for medium in interrogator_list("mediums")]
        self._mediums = mediums + self._parts["medium"] * 2

    def make(self) -> Subject:
        """Return one prompt."""
        draw = self._random.random
        subject = self._subject(draw())
        text = subject.text
        if subject.domain or " " not in text:
            text = self._with_adjective(text) if draw() < 0.4 else text
            text = self._framed(text)
            text = f"{text} {self._random.choice(self._parts['place'])}" if draw() < 0.35 else text
        if draw() < 0.3:
            medium = self._random.choice(self._mediums)
            of = " " if medium.endswith(" of") else " of "
            text = medium + of + text if draw() < 0.6 else f"{text}, {medium}"
        if draw() < 0.25:
            text = f"{text}, {self._random.choice(self._parts['wish'])}"
        return Subject(text, subject.domain)

    def _subject(self, share: float) -> Subject:
        if share < 0.2:
            return Subject(next(self._words), None)
        return self._random.choice(self._own if share < 0.7 else self._subjects)

    def _with_adjective(self, noun: str) -> str:
        return f"{self._random.choice(self._parts['adjective'])} {noun}"

    def _framed(self, noun: str) -> str:
        frame = self._random.choice(self._parts["frame"])
        other = self._random.choice(self._own).text if "{other}" in frame else ""
        text = frame.replace("{other}", other).replace("{}", noun)
        return f"an{text[1:]}" if text.startswith("a ") and text[2] in "aeiou" else text

"""Reads prompts and expansions with lists of its own and counts what does not go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.expander.evaluation.concreteness import is_concrete
from tools.expander.exclusions import words_of
from tools.expander.sources import read_keyed_lists

LEXICON = Path(__file__).with_name("lexicon.txt")
KINDS = ("medium", "time", "season", "weather", "place")
Names = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Judgement:
    """What is wrong with one expansion.

    Attributes:
        mediums_mixed: it speaks of two mediums, or of one beside that of its prompt.
        medium_named: the prompt names a medium.
        medium_overruled: the prompt names a medium and the words another.
        brought: kinds (time, season, weather, place) of which it brings one that the prompt does not name.
        against: names of the pairs that do not go together.
        nouns: new words that name a thing.
        words: number of its words.
    """

    mediums_mixed: bool
    medium_named: bool
    medium_overruled: bool
    brought: frozenset[str]
    against: tuple[str, ...]
    nouns: tuple[str, ...]
    words: int


def judge(prompt: str, words: str) -> Judgement:
    """Judge the words that stand behind a prompt."""
    asked, written = _names(prompt), _names(words)
    new_mediums = written["medium"] - asked["medium"]
    prompt_words, new = set(words_of(prompt)), words_of(words)
    return Judgement(
        mediums_mixed=len(written["medium"]) > 1 or bool(new_mediums and asked["medium"]),
        medium_named=bool(asked["medium"]),
        medium_overruled=bool(asked["medium"] and new_mediums),
        brought=frozenset(kind for kind in KINDS[1:] if written[kind] - asked[kind]),
        against=contradictions(prompt, words),
        nouns=tuple(word for word in new if word not in prompt_words and is_concrete(word)),
        words=len(new),
    )


def contradictions(prompt: str, words: str) -> tuple[str, ...]:
    """Return the names of the pairs of which a prompt says one side and its words the other."""
    return tuple(
        name
        for name, says, answers in _pairs()
        if says.search(prompt.lower()) and answers.search(words.lower())
    )


def rates(judgements: Sequence[Judgement]) -> dict[str, float]:
    """Return shares in percent, and numbers per expansion."""
    named = [judgement for judgement in judgements if judgement.medium_named]

    def percent(hits: Sequence[bool]) -> float:
        return 100 * sum(hits) / max(1, len(hits))

    found = {
        "mediums mixed, %": percent([j.mediums_mixed for j in judgements]),
        "medium overruled, % of prompts that name one": percent(
            [j.medium_overruled for j in named]
        ),
    }
    found |= {f"new {k}, %": percent([k in j.brought for j in judgements]) for k in KINDS[1:]}
    return found | {
        "against the prompt, %": percent([bool(j.against) for j in judgements]),
        "new concrete nouns per expansion": sum(len(j.nouns) for j in judgements)
        / max(1, len(judgements)),
        "words per expansion": sum(j.words for j in judgements) / max(1, len(judgements)),
    }


def _names(text: str) -> Names:
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, name, pattern in _patterns():
        if pattern.search(text.lower()):
            found[kind].add(name)
    return {kind: frozenset(names) for kind, names in found.items()}


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    found = []
    for key, items in read_keyed_lists(LEXICON).items():
        kind, _, name = key.partition(" ")
        if kind in KINDS:
            found.append((kind, name, re.compile(rf"(?<!\w)(?:{'|'.join(items)})(?!\w)")))
    return tuple(found)


@cache
def _pairs() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]:
    pairs = []
    for key, items in read_keyed_lists(LEXICON).items():
        if key.startswith("against "):
            says, answers = items[0].split(" / ")
            pairs.append((key.removeprefix("against "), re.compile(says), re.compile(answers)))
    return tuple(pairs)

"""Which words may come next, and the choice among them.

Tokens are numbered here by their place in the cut-down output head: 0 is the comma, the others are the
allowed words in the order of the model's word list.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fooocus_ext.prompting.expander.accord import Accord
from fooocus_ext.prompting.expander.forms import NO_FORMS, Forms
from fooocus_ext.prompting.expander.harmony import Mask

COMMA = 0
Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


class Grammar(Protocol):
    """The state of one continuation: what has been written, and what may follow."""

    def choices(self) -> Indices:
        """Return the outputs that may come next; none when the continuation is complete."""

    def add(self, choice: int) -> None:
        """Take one of ``choices``."""

    def phrases(self) -> list[str]:
        """Return what has been written, without empty phrases."""


class FreeWords:
    """Any allowed word in any order, none twice; a comma at any time.

    Without ``accord`` and ``most`` it fills the room exactly, as Fooocus does.

    Args:
        words: the allowed words; output ``i + 1`` is ``words[i]``.
        used: words that stand in the prompt.
        room: number of tokens to write; a word or a comma is one.
        accord: which words fit the prompt, one row for each word; None for all.
        most: how many phrases to write at most; None for as many as there is room for.
        forms: finds the other forms of a written word, which are closed with it.
    """

    def __init__(
        self,
        words: Sequence[str],
        used: Collection[str],
        room: int,
        *,
        accord: Accord | None = None,
        most: int | None = None,
        forms: Forms = NO_FORMS,
    ) -> None:
        self._words = words
        self._forms = forms
        self._room = room
        self._accord = accord
        self._most = most
        self._open = np.ones(len(words) + 1, dtype=bool)
        self._close(used)
        self._written: list[int] = []

    def choices(self) -> Indices:
        """Return the comma and the words that are left."""
        if len(self._written) >= self._room or self._is_enough():
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self._fitting())

    def add(self, choice: int) -> None:
        """Write one token."""
        self._written.append(choice)
        if choice != COMMA:
            word = self._words[choice - 1]
            self._close(self._forms.of([word]))
            if self._accord:
                self._accord.add(choice - 1)

    def phrases(self) -> list[str]:
        """Return the words between the commas."""
        return _split(self._written, self._words)

    def _fitting(self) -> Mask:
        if self._accord is None:
            return self._open
        fitting = self._open.copy()
        fitting[1:] &= self._accord.allowed
        # Without Fooocus's duty to fill the room, one comma after the other would say nothing.
        fitting[COMMA] = bool(self._written) and self._written[-1] != COMMA
        return fitting

    def _close(self, words: Collection[str]) -> None:
        self._open[[index + 1 for index, word in enumerate(self._words) if word in words]] = False

    def _is_enough(self) -> bool:
        return self._most is not None and self._written.count(COMMA) >= self._most


@dataclass(frozen=True)
class PhraseBook:
    """The phrases that a model was taught, as a table.

    Attributes:
        words: the allowed words; output ``i + 1`` is ``words[i]``.
        costs: tokens of CLIP that each word takes, same order.
        phrases: each a sequence of outputs.
        facets: what each phrase speaks of; empty if nothing says so.
    """

    words: tuple[str, ...]
    costs: tuple[int, ...]
    phrases: tuple[tuple[int, ...], ...]
    facets: tuple[str, ...] = ()

    def texts(self) -> list[str]:
        """Return the phrases as text."""
        return [" ".join(self.words[word - 1] for word in phrase) for phrase in self.phrases]

    @cached_property
    def table(self) -> Indices:
        """One row per phrase, filled up with commas: ``[phrases, longest + 1]``."""
        longest = max(map(len, self.phrases))
        rows = [[*phrase, *[COMMA] * (longest + 1 - len(phrase))] for phrase in self.phrases]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def phrase_costs(self) -> Indices:
        """Tokens of CLIP per phrase, with the comma in front."""
        return np.array([1 + sum(self.costs[i - 1] for i in phrase) for phrase in self.phrases])

    @cached_property
    def places(self) -> dict[tuple[int, ...], int]:
        """The place of each phrase."""
        return {phrase: place for place, phrase in enumerate(self.phrases)}

    @cached_property
    def index(self) -> dict[str, int]:
        """The output of each word."""
        return {word: place + 1 for place, word in enumerate(self.words)}


class WholePhrases:
    """Whole phrases of a phrase book, with no word or form of it twice, as many as there is room for.

    The language model chooses word by word; the book only keeps it from ending a phrase in the middle
    or mixing two, which a model this small otherwise does now and then.

    Args:
        book: the phrases.
        used: words that stand in the prompt.
        room: tokens of CLIP that may be added, commas included.
        accord: which phrases fit the prompt; None for all.
        most: how many phrases to write at most; None for as many as there is room for.
        forms: finds the other forms of a written word, which are closed with it.
    """

    def __init__(
        self,
        book: PhraseBook,
        used: Collection[str],
        room: int,
        *,
        accord: Accord | None = None,
        most: int | None = None,
        forms: Forms = NO_FORMS,
    ) -> None:
        self._book = book
        self._forms = forms
        self._room = room
        self._accord = accord
        self._left = len(book.phrases) if most is None else most
        self._open = np.ones(len(book.phrases), dtype=bool)
        self._close(used)
        self._phrase: list[int] = []
        self._written: list[int] = []
        self._fitting = self._beginnings()

    def choices(self) -> Indices:
        """Return the words that go on with the phrase, or begin one; the comma if it may end."""
        found: Indices = np.unique(self._book.table[self._fitting, len(self._phrase)])
        return found

    def add(self, choice: int) -> None:
        """Write one word, or end the phrase with a comma."""
        self._written.append(choice)
        if choice != COMMA:
            self._fitting &= self._book.table[:, len(self._phrase)] == choice
            self._phrase.append(choice)
            return
        self._room -= 1 + sum(self._book.costs[word - 1] for word in self._phrase)
        self._left -= 1
        words = [self._book.words[word - 1] for word in self._phrase]
        self._close(self._forms.of(words))
        if self._accord:
            self._accord.add(self._book.places[tuple(self._phrase)])
        self._phrase = []
        self._fitting = self._beginnings()

    def phrases(self) -> list[str]:
        """Return the complete phrases."""
        complete = self._written[: len(self._written) - len(self._phrase)]
        return _split(complete, self._book.words)

    def _beginnings(self) -> Mask:
        """Return which phrases may come next."""
        fitting = self._open & (self._book.phrase_costs <= self._room) & (self._left > 0)
        return fitting & self._accord.allowed if self._accord else fitting

    def _close(self, words: Collection[str]) -> None:
        index = self._book.index
        outputs = [index[word] for word in words if word in index]
        self._open &= ~np.isin(self._book.table, outputs).any(axis=1)


def _split(written: Sequence[int], words: Sequence[str]) -> list[str]:
    phrases: list[list[str]] = [[]]
    for choice in written:
        if choice == COMMA:
            phrases.append([])
        else:
            phrases[-1].append(words[choice - 1])
    return [" ".join(phrase) for phrase in phrases if phrase]


@dataclass(frozen=True)
class Choice:
    """A sampled output.

    Attributes:
        output: its number.
        certain: scores that differ by no more than the margin would have given the same one.
    """

    output: int
    certain: bool


def sample_top_k(
    scores: Scores, choices: Indices, noise: Scores, *, top_k: int, margin: float
) -> Choice:
    """Sample from the ``top_k`` best of ``choices`` in proportion to ``exp(scores)``.

    It is the Gumbel-max method: the best sum of score and Gumbel noise is distributed just so. Unlike
    a walk along the cumulated probabilities it shows how close the decision was, which is what makes
    it possible to give the same text in every batch: sums in another order differ in their last bits,
    and only a decision closer than those bits has to be made again from exact scores.

    Args:
        scores: of all outputs, divided by the temperature.
        choices: outputs to choose from, at least one.
        noise: Gumbel noise of all outputs.
        top_k: how many to keep.
        margin: how much scores may be wrong.
    """
    candidates = scores[choices]
    last_in, first_out = _borders(candidates, top_k)
    near = candidates >= last_in - 2 * margin  # what an error could lift into the best ones
    kept, sums = choices[near], candidates[near] + noise[choices[near]]
    if len(kept) == 1:
        return Choice(int(kept[0]), certain=True)
    inside = np.where(scores[kept] >= last_in, sums, -np.inf)
    best = int(inside.argmax())
    lead = inside[best] - np.delete(sums, best).max()
    clear = lead > 2 * margin and scores[kept[best]] - first_out > 2 * margin
    return Choice(int(kept[best]), certain=bool(clear))


def _borders(candidates: Scores, top_k: int) -> tuple[float, float]:
    """Return the lowest score among the ``top_k`` best, and the highest of the others."""
    if len(candidates) <= top_k:
        return -np.inf, -np.inf
    middle = len(candidates) - top_k
    ordered = np.partition(candidates, (middle - 1, middle))
    return float(ordered[middle]), float(ordered[middle - 1])


def gumbel(uniform: Scores) -> Scores:
    """Turn numbers uniform in [0, 1) into Gumbel noise, all finite."""
    noise: Scores = -np.log(-np.log(np.clip(uniform, 1e-300, 1 - 1e-16)))
    return noise

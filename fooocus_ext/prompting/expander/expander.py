"""The expander: what may be written behind each prompt, and what a model then writes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from fooocus_ext.prompting.chunks import CHUNK
from fooocus_ext.prompting.expander.accord import Accord
from fooocus_ext.prompting.expander.decode import Row, write
from fooocus_ext.prompting.expander.forms import Forms
from fooocus_ext.prompting.expander.harmony import Mask, Reading
from fooocus_ext.prompting.expander.limits import facet_limits, phrase_count
from fooocus_ext.prompting.expander.model import ExpansionModel
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.expander.text import (
    LONGEST_WORD,
    can_continue,
    first_tokens,
    join_continuation,
    readable_text,
    words_of,
)
from fooocus_ext.prompting.expander.words import FreeWords, Grammar, WholePhrases

MAX_TARGET = 10 * CHUNK
_LETTERS_PER_TOKEN = 3  # of words that are in no list of ours, names above all; an estimate
_KNOWN_SHARE = 0.5  # of the words of a prompt must be known, or it counts as unreadable
_SHORTEST_WORD = 3
_MIN_PROMPT_TOKENS = 16
_SEED_RANGE = 2**64


@dataclass(frozen=True)
class Expansion:
    """A prompt and what was written behind it.

    Attributes:
        prompt: as typed.
        words: the continuation alone; empty if there is none.
        prompt_tokens: tokens of CLIP that stand before the continuation, counted or estimated.
        added_tokens: tokens of CLIP that the continuation adds, its leading comma included.
    """

    prompt: str
    words: str
    prompt_tokens: int
    added_tokens: int

    @property
    def text(self) -> str:
        """The prompt, continued."""
        return join_continuation(self.prompt, self.words)


class Expander:
    """Writes continuations with a loaded model. Safe to use from several threads.

    Args:
        model: from ``expander.model.load_model``.
    """

    def __init__(self, model: ExpansionModel) -> None:
        self.model = model
        book = model.book
        self._costs = dict(zip(book.words, book.costs, strict=True)) if book else {}
        self._rules = load_rules()
        texts = book.texts() if book else model.words
        self._says = self._rules.says(texts)
        self._neutral = self._suits_anything(texts)
        # A word of Fooocus's files needs no reason: it may belong to any phrase.
        self._suits = self._rules.suit(texts) if book else None
        self._facets = tuple(dict.fromkeys(book.facets)) if book else ()
        self._facet_of = (
            np.array([self._facets.index(f) for f in book.facets]) if book and book.facets else None
        )
        self._forms = Forms(model.words)

    def expansions(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        target_tokens: int = CHUNK,
        hidden_words: Collection[str] = (),
        count_tokens: Callable[[str], int] | None = None,
        style_texts: Sequence[str] | None = None,
        preceding: Sequence[str] | None = None,
        fill: bool = False,
    ) -> list[Expansion]:
        """Continue prompts.

        The same model, prompt, style text and seed give the same words on a CPU, whatever other prompts
        are in the batch. A prompt without any readable word (empty, or all tags) and one that ends in the
        weight of an ``AND`` part are returned as they are. Of a long prompt the model reads the beginning;
        what must not be contradicted is looked for in all of it.

        Args:
            prompts: as typed.
            seeds: one for each; any integer, taken modulo 2**64.
            target_tokens: ``preceding`` and continuation together do not exceed the next multiple of this
                many tokens of CLIP, 1 to 750.
            hidden_words: names of embeddings, which the model must not read.
            count_tokens: counts the tokens of CLIP in a text, as the host does, without start and end.
                Without it they are estimated: exactly for words that the model knows, by length for others.
            style_texts: for each prompt the positive texts of the styles that will stand beside it, joined;
                ``{prompt}`` in them is ignored. They are neither repeated nor contradicted.
            preceding: for each prompt the text behind which the continuation is encoded: the prompt among
                the texts of its styles, if these are joined to it; None where it is the prompt alone.
            fill: Fooocus's rule: write until the next multiple of ``target_tokens`` is reached. A model with
                Fooocus's files then also counts its own tokens, those of the prompt alone, and may write any
                of its words.

        Raises:
            ValueError: the numbers of prompts, seeds, style and preceding texts differ, or
                ``target_tokens`` is out of range.
        """
        styles = [""] * len(prompts) if style_texts is None else style_texts
        heads = prompts if preceding is None else preceding
        for what, given in (("seeds", seeds), ("style texts", styles), ("preceding texts", heads)):
            if len(prompts) != len(given):
                raise ValueError(f"{len(prompts)} prompts, but {len(given)} {what}")
        if not 1 <= target_tokens <= MAX_TARGET:
            raise ValueError(f"target_tokens is {target_tokens}, allowed is 1 to {MAX_TARGET}")
        task = _Task(target_tokens, hidden_words, count_tokens, fill)
        # Pictures of a job often have a prompt in common, which is long to read.
        subject_of = functools.cache(functools.partial(self._subject, task))
        subjects = list(map(subject_of, prompts, styles, heads))
        rows = [
            self._row(subject, seed % _SEED_RANGE, task)
            for subject, seed in zip(subjects, seeds, strict=True)
        ]
        write(self.model, rows)
        return [
            self._expansion(prompt, row.grammar.phrases(), subject, task)
            for prompt, subject, row in zip(prompts, subjects, rows, strict=True)
        ]

    def _subject(self, task: _Task, prompt: str, style: str, head: str) -> _Subject:
        """Read a prompt and what the styles beside it say; its words will stand behind ``head``."""
        model = self.model
        text = readable_text(prompt, task.hidden_words)
        styles = readable_text(style.replace("{prompt}", ","), task.hidden_words)
        ids = self._encoded(f"{text},") if text else []
        taken = self._taken(head, len(ids), task)
        room = _border(taken, task.target) - (taken + 1)
        if not text or not can_continue(prompt):
            ids = []
        window = self._window(room)
        if len(ids) > window:
            ids = [*ids[: window - 1], model.output_ids[0]]
        if model.book is None and task.fill:
            return _Subject(ids, head, taken, room, words_of(text), Reading(), neutral=False)
        read = self._rules.read(text, knows=self._knows)
        reading = read.beside(self._rules.read(styles))
        neutral = reading.foreign or not self._reads(text)
        words = words_of(f"{text}, {styles}")
        return _Subject(ids, head, taken, room, words, reading, neutral=neutral)

    def _row(self, subject: _Subject, seed: int, task: _Task) -> Row:
        """Return the row to write behind a subject."""
        grammar = self._grammar(subject, seed, task)
        return Row(self.model, subject.ids, grammar, subject.room + 1, seed)

    def _grammar(self, subject: _Subject, seed: int, task: _Task) -> Grammar:
        model, words, neutral = self.model, subject.words, subject.neutral
        if model.book is None and task.fill:
            return FreeWords(model.words, set(words), subject.room)
        most = None if task.fill else phrase_count(len(words), seed, neutral=neutral)
        accord = self._accord(subject.reading, most, neutral=neutral)
        used = self._forms.of(words)
        if model.book is None:
            room, forms = subject.room, self._forms
            return FreeWords(model.words, used, room, accord=accord, most=most, forms=forms)
        # The comma between prompt and words is in the cost of the first phrase.
        room = subject.room + 1
        return WholePhrases(model.book, used, room, accord=accord, most=most, forms=self._forms)

    def _accord(self, reading: Reading, most: int | None, *, neutral: bool) -> Accord:
        limits = () if most is None else facet_limits(self._facets, most)
        accord = Accord(
            self._rules,
            self._says,
            reading,
            suits=None if most is None else self._suits,
            facets=self._facet_of,
            limits=limits,
        )
        if neutral:
            accord.allowed &= self._neutral
        return accord

    def _suits_anything(self, texts: Sequence[str]) -> Mask:
        """Return which phrases, or which words, suit a text that cannot be read."""
        neutral = self._rules.neutral
        if self.model.book is None:
            neutral = frozenset(word for phrase in neutral for word in phrase.split())
        return np.array([text in neutral for text in texts])

    def _reads(self, text: str) -> bool:
        """Tell whether the model can read a text, by how many of its words it knows."""
        if self.model.unknown_id is None:
            return True
        words = words_of(text)
        words = [word for word in words if len(word) >= _SHORTEST_WORD] or words
        known = sum(map(self._knows, words))
        return bool(words) and known >= _KNOWN_SHARE * len(words)

    def _knows(self, word: str) -> bool:
        """Tell whether the model or the rules know a word."""
        unknown, encode = self.model.unknown_id, self.model.encode
        if unknown is None or self._rules.lists(word):
            return True
        # "½" is a letter to us and a mark to the tokenizer: what is one word here may be many there.
        return len(word) <= LONGEST_WORD and unknown not in encode(word)

    def _taken(self, head: str, ids: int, task: _Task) -> int:
        if self.model.book is None and (task.fill or not task.count_tokens):
            return max(0, ids - 1)
        if task.count_tokens:
            return task.count_tokens(head)
        return self._estimate(readable_text(head, task.hidden_words))

    def _estimate(self, text: str) -> int:
        words = words_of(text)
        marks = sum(not (char.isalpha() or char.isspace()) for char in text)
        costs = self._costs
        return marks + sum(
            costs.get(word) or math.ceil(len(word) / _LETTERS_PER_TOKEN) for word in words
        )

    def _encoded(self, text: str) -> list[int]:
        """Return the tokens of a text: all, or, where no more than a window is read, enough for that."""
        encode, window = self.model.encode, self.model.window
        return first_tokens(text, encode, window) if window else encode(text)

    def _window(self, room: int) -> int:
        """Return how many tokens of a prompt can be read if ``room`` more must fit behind them."""
        context = self.model.network.shape.context
        left = max(context - room, min(_MIN_PROMPT_TOKENS, context // 2))
        return min(left, self.model.window or left)

    def _expansion(
        self, prompt: str, phrases: list[str], subject: _Subject, task: _Task
    ) -> Expansion:
        """Return what was written; what the host counts to stand behind the border is left out."""
        costs, count, head, taken = self._costs, task.count_tokens, subject.head, subject.taken
        if count and not (self.model.book is None and task.fill):
            border = _border(taken, task.target)
            while phrases and count(join_continuation(head, ", ".join(phrases))) > border:
                phrases = phrases[:-1]
        added = sum(1 + sum(costs.get(word, 1) for word in p.split()) for p in phrases)
        return Expansion(prompt, ", ".join(phrases), taken, added)


@dataclass(frozen=True)
class _Task:
    """What ``Expander.expansions`` was asked for."""

    target: int
    hidden_words: Collection[str]
    count_tokens: Callable[[str], int] | None
    fill: bool


@dataclass(frozen=True)
class _Subject:
    """What was read of a prompt and of the styles beside it.

    Attributes:
        ids: tokens of the prompt that the model reads; none if it is not to be continued.
        head: the text behind which the words will stand.
        taken: tokens of CLIP that it takes.
        room: tokens of CLIP that may follow it and a comma.
        words: the words that say it.
        reading: what they say.
        neutral: whether only phrases that suit any text may follow.
    """

    ids: Sequence[int]
    head: str
    taken: int
    room: int
    words: Sequence[str]
    reading: Reading
    neutral: bool


def _border(taken: int, target: int) -> int:
    """Return the multiple of ``target`` up to which there is room behind ``taken`` tokens."""
    return target * math.ceil((taken + 1) / target)

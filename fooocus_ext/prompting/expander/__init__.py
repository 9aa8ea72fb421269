"""Prompt expansion: a language model writes on behind the prompt ("Fooocus V2").

The algorithm, which Fooocus users know by its effect: only allowed words may be written, each at most
once, those of the prompt included; commas separate them; nothing ends the text before the room is filled
up to a multiple of 75 tokens of CLIP; each word is sampled from the best ``top_k``. Which words: those of
the model in use, our own (``docs/expander.md``) or the user's copy of Fooocus's.

Nothing heavy is imported before a model is loaded, and nothing random but a ``torch.Generator`` of each
prompt's own is used.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from fooocus_ext.prompting.expander.decode import Row, write
from fooocus_ext.prompting.expander.folder import FolderState, folder_state
from fooocus_ext.prompting.expander.model import (
    BUILT_IN_FOLDER,
    ExpansionModel,
    ExpansionModelError,
    load_model,
)
from fooocus_ext.prompting.expander.text import (
    can_continue,
    join_continuation,
    readable_text,
    words_of,
)
from fooocus_ext.prompting.expander.words import FreeWords, Grammar, WholePhrases

__all__ = [
    "CLIP_CHUNK",
    "MAX_TARGET",
    "Expander",
    "Expansion",
    "ExpansionModelError",
    "cached_expander",
    "expand",
    "load_expander",
    "release_expanders",
]

CLIP_CHUNK = 75
MAX_TARGET = 10 * CLIP_CHUNK
_LETTERS_PER_TOKEN = 6  # of words that are in no list of ours; an estimate
_MIN_PROMPT_TOKENS = 16
_SEED_RANGE = 2**64


@dataclass(frozen=True)
class Expansion:
    """A prompt and what was written behind it.

    Attributes:
        prompt: as typed.
        words: the continuation alone; empty if there is none.
        prompt_tokens: tokens of CLIP that the prompt takes, counted or estimated.
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

    def expand(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """Return each prompt with its continuation, ``prompt + ", " + words``."""
        return [expansion.text for expansion in self.expansions(prompts, seeds)]

    def expansions(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        target_tokens: int = CLIP_CHUNK,
        hidden_words: Collection[str] = (),
        count_tokens: Callable[[str], int] | None = None,
    ) -> list[Expansion]:
        """Continue prompts.

        The same model, prompt and seed give the same words on a CPU, whatever other prompts are in the
        batch. A prompt without any readable word (empty, or all tags) and one that ends in the weight
        of an ``AND`` part are returned as they are. Of a long prompt the model reads the beginning.

        Args:
            prompts: as typed.
            seeds: one for each; any integer, taken modulo 2**64.
            target_tokens: prompt and continuation together are filled up to a multiple of this many
                tokens of CLIP, 1 to 750.
            hidden_words: names of embeddings, which the model must not read.
            count_tokens: counts the tokens of CLIP in a prompt, as the host does. Without it they are
                estimated: exactly for words that the model knows, by length for others. A model with
                Fooocus's files counts its own tokens instead, as Fooocus does.

        Raises:
            ValueError: the numbers of prompts and seeds differ, or ``target_tokens`` is out of range.
        """
        if len(prompts) != len(seeds):
            raise ValueError(f"{len(prompts)} prompts, but {len(seeds)} seeds")
        if not 1 <= target_tokens <= MAX_TARGET:
            raise ValueError(f"target_tokens is {target_tokens}, allowed is 1 to {MAX_TARGET}")
        pieces = [
            self._plan(prompt, seed, target_tokens, hidden_words, count_tokens)
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        write(self.model, [row for row, _ in pieces])
        return [
            self._expansion(prompt, row, taken)
            for prompt, (row, taken) in zip(prompts, pieces, strict=True)
        ]

    def _plan(
        self,
        prompt: str,
        seed: int,
        target: int,
        hidden_words: Collection[str],
        count_tokens: Callable[[str], int] | None,
    ) -> tuple[Row, int]:
        """Return the row to write for a prompt, and how many tokens the prompt takes."""
        model, text = self.model, readable_text(prompt, hidden_words)
        ids = model.encode(f"{text},") if text else []
        if model.book is None:
            taken = max(0, len(ids) - 1)
        else:
            taken = count_tokens(prompt) if count_tokens else self._estimate(text)
        room = target * math.ceil((taken + 1) / target) - (taken + 1)
        if not text or not can_continue(prompt):
            ids = []
        used = set(words_of(text))
        grammar: Grammar
        if model.book is None:
            grammar = FreeWords(model.words, used, room)
        else:
            # The comma between prompt and words is in the cost of the first phrase.
            grammar = WholePhrases(model.book, used, room + 1)
        window = self._window(room)
        if len(ids) > window:
            ids = [*ids[: window - 1], model.output_ids[0]]
        return Row(model, ids, grammar, room + 1, seed % _SEED_RANGE), taken

    def _estimate(self, text: str) -> int:
        words = words_of(text)
        marks = sum(not (char.isalpha() or char.isspace()) for char in text)
        costs = self._costs
        return marks + sum(
            costs.get(word) or math.ceil(len(word) / _LETTERS_PER_TOKEN) for word in words
        )

    def _window(self, room: int) -> int:
        """Return how many tokens of a prompt can be read if ``room`` more must fit behind them."""
        context = self.model.network.shape.context
        left = max(context - room, min(_MIN_PROMPT_TOKENS, context // 2))
        return min(left, self.model.window or left)

    def _expansion(self, prompt: str, row: Row, taken: int) -> Expansion:
        phrases = row.grammar.phrases()
        costs = self._costs
        added = sum(1 + sum(costs.get(word, 1) for word in p.split()) for p in phrases)
        return Expansion(prompt, ", ".join(phrases), taken, added)


def load_expander(
    folder: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Expander:
    """Load an expansion model.

    Args:
        folder: of a model with Fooocus's or our files; None for the one that the extension ships.
        device: where to compute.
        dtype: in what precision; on a CPU float32 is meant.

    Raises:
        ExpansionModelError: a file of the folder is missing or cannot be used.
    """
    return Expander(load_model(folder or BUILT_IN_FOLDER, device=torch.device(device), dtype=dtype))


_loading = threading.Lock()


def cached_expander(
    folder: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Expander:
    """Return what ``load_expander`` returns; the last two models stay loaded while no file changes."""
    state = folder_state(folder) if folder else ()
    with _loading:
        return _load_cached(folder, str(device), dtype, state)


def expand(
    prompts: Sequence[str], seeds: Sequence[int], *, folder: Path | None = None
) -> list[str]:
    """Return each prompt with its continuation, written by the model of ``folder`` on the CPU.

    See ``Expander.expansions`` for what is written, and ``load_expander`` for ``folder`` and its errors.
    """
    return cached_expander(folder).expand(prompts, seeds)


def release_expanders() -> None:
    """Forget the loaded models, after a folder was changed or to free their memory."""
    with _loading:
        _load_cached.cache_clear()


@lru_cache(maxsize=2)
def _load_cached(
    folder: Path | None, device: str, dtype: torch.dtype, _state: FolderState
) -> Expander:
    return load_expander(folder, device=device, dtype=dtype)

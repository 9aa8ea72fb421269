"""Writing several continuations at once, each as if it were alone."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from fooocus_ext.core.one_core import idle_threads, run_on_one_core, run_with_threads
from fooocus_ext.prompting.expander.model import ExpansionModel
from fooocus_ext.prompting.expander.network import Cache, Network
from fooocus_ext.prompting.expander.words import (
    Grammar,
    Scores,
    gumbel,
    sample_top_k,
)

# How far apart the scores of one text may be when it is computed in different batches, in proportion to
# the largest of them: on a CPU sums are rounded in another order. Differences of 1e-6 and 1e-14 are
# usual. Elsewhere no promise is made.
_MARGINS = {torch.float32: 2e-5, torch.float64: 1e-11}

# Weights from this many bytes on come from memory, which one core alone reads slower than several do. A
# smaller model's are in the caches, and threads would wait for each other longer than they work.
_DIVIDED_FROM = 64 * 2**20
_MUCH_SLOWER = 4


class Row:
    """One continuation in the making.

    Args:
        model: what writes it.
        ids: tokens of the prompt that the model reads.
        grammar: which words may follow.
        room: tokens that will be written at most.
        seed: of this row's own random generator, 0 to 2**64 - 1.
    """

    def __init__(
        self, model: ExpansionModel, ids: Sequence[int], grammar: Grammar, room: int, seed: int
    ) -> None:
        self.ids = list(ids)
        self.grammar = grammar
        self.room = room
        self._model = model
        self._choices = grammar.choices()
        self._generator = torch.Generator().manual_seed(seed)
        network = model.network
        self._margin = _MARGINS.get(network.dtype, 0.0) if network.device.type == "cpu" else 0.0

    @property
    def open(self) -> bool:
        """Whether anything more can be written."""
        return bool(self.ids) and self._choices.size > 0

    def choose(self, scores: torch.Tensor) -> None:
        """Write the next token.

        Args:
            scores: of all outputs, ``[outputs]``, computed in a batch.
        """
        model = self._model
        uniform = torch.rand(len(scores), generator=self._generator, dtype=torch.float64)
        noise = gumbel(uniform.numpy())
        choices = self._choices
        tempered = self._tempered(scores)
        margin = self._margin * float(np.abs(tempered).max())
        choice = sample_top_k(tempered, choices, noise, top_k=model.top_k, margin=margin)
        if not choice.certain and margin:
            alone, _ = model.network.start([self.ids], len(self.ids))
            exact = self._tempered(alone[0])
            choice = sample_top_k(exact, choices, noise, top_k=model.top_k, margin=0.0)
        self.grammar.add(choice.output)
        self.ids.append(model.output_ids[choice.output])
        self._choices = self.grammar.choices()

    def _tempered(self, scores: torch.Tensor) -> Scores:
        # First to the CPU: in one call MPS would convert before it copies, and it has no float64.
        tempered: Scores = scores.cpu().double().numpy() / self._model.temperature
        return tempered


def write(model: ExpansionModel, rows: Sequence[Row]) -> None:
    """Write all rows to their end, or to the end of the model's context."""
    going = [row for row in rows if row.open]
    if not going:
        return
    writer = _Writer(model.network, going)
    if model.network.device.type != "cpu":
        writer.write()
        return
    threads = idle_threads() if model.network.bytes_per_token > _DIVIDED_FROM else 1
    if threads > 1:
        run_with_threads(threads, lambda: writer.write(until_slow=True))
    run_on_one_core(writer.write)


class _Writer:
    """Writes rows token by token.

    Args:
        network: says what may follow.
        going: rows that are not at their end.
    """

    def __init__(self, network: Network, going: list[Row]) -> None:
        self._network = network
        self._going = going
        self._capacity = min(max(len(row.ids) + row.room for row in going), network.shape.context)
        self._cache: Cache | None = None

    def write(self, *, until_slow: bool = False) -> None:
        """Go on, to the end or, where that is wanted, until one token took far longer than another.

        The latter tells that another program wants a core, and that threads wait for each other.
        """
        fastest = float("inf")
        while self._going:
            taken = self._write_one()
            fastest = min(fastest, taken)
            if until_slow and taken > _MUCH_SLOWER * fastest:
                return

    def _write_one(self) -> float:
        """Write one token more in each row, and return what the network took for it, in seconds."""
        going, begin = self._going, time.perf_counter()
        if self._cache is None:
            scores, self._cache = self._network.start([row.ids for row in going], self._capacity)
        else:
            scores = self._network.go_on([row.ids[-1] for row in going], self._cache)
        taken = time.perf_counter() - begin
        for row, line in zip(going, scores, strict=True):
            row.choose(line)
        kept = [i for i, row in enumerate(going) if row.open and len(row.ids) <= self._capacity]
        if kept and len(kept) < len(going):
            self._cache.keep(kept)
        self._going = [going[index] for index in kept]
        return taken

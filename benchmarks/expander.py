"""The prompt expander against transformers' generate with a logits processor over the full vocabulary.

Both sides run a GPT-2 of the size of Fooocus's model (random weights) in float32 on two CPU threads, write
the same number of tokens from the same white list, and never repeat a word. Ours runs it twice: with the
peer's weights, any numbers of float32, and with these as half precision has them, as in Fooocus's file; the
peer takes the same time for both. Where other programs use the cores there is no figure: the peer waits for
its second thread there, and ours goes on with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks._figures import Figure
from benchmarks._measuring import CoresOfItsOwn, interleaved_medians
from fooocus_ext.prompting.expander.decode import Row, write
from fooocus_ext.prompting.expander.model import ExpansionModel
from fooocus_ext.prompting.expander.network import Network, NetworkShape
from fooocus_ext.prompting.expander.words import FreeWords

SHAPE = NetworkShape(vocabulary=50257, context=1024, width=768, layers=12, heads=12, inner=3072)
ALLOWED_WORDS = 642  # as many as Fooocus allows
PROMPT_TOKENS, NEW_TOKENS = 8, 67  # a short prompt, filled up to 75
TOP_K = 100
BATCH = 8
THREADS = 2
ROUNDS = 2
GOALS = {1: ">= 2", BATCH: ">= 6"}
COMMA = 11
PEER = f"transformers generate, full-vocabulary logits processor; both on {THREADS} threads"


def measure() -> list[Figure]:
    """Compare the time per prompt, alone and in a batch of eight; the peer writes one at a time.

    Raises:
        Unavailable: other programs use the cores.
    """
    with _threads(THREADS), torch.random.fork_rng():
        torch.manual_seed(0)
        full = _peer()
        state = {name.removeprefix("transformer."): t for name, t in full.state_dict().items()}
        models = {
            "": _model(state),
            "half_": _model({name: tensor.half() for name, tensor in state.items()}),
        }
        random = np.random.default_rng(0)
        prompts = random.integers(1000, SHAPE.vocabulary, size=(BATCH, PROMPT_TOKENS)).tolist()
        cores = CoresOfItsOwn(THREADS)
        taken = interleaved_medians(
            {
                "peer": lambda: _generate(full, models[""], prompts[0]),
                **{
                    f"{weights}speedup_{count}": partial(_write, model, prompts[:count])
                    for weights, model in models.items()
                    for count in GOALS
                },
                "cores": cores.check,
            },
            rounds=ROUNDS,
            warm_up=1,
        )
    return [
        Figure(
            key=f"expander.{weights}speedup_{count}",
            value=taken["peer"] * count / taken[f"{weights}speedup_{count}"],
            unit="s per prompt",
            ours=taken[f"{weights}speedup_{count}"] / count,
            peer=taken["peer"],
            peer_name=PEER,
            goal=goal,
        )
        for weights in models
        for count, goal in GOALS.items()
    ]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _peer() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415 - slow to import

    return GPT2LMHeadModel(GPT2Config()).eval()


def _model(state: Mapping[str, torch.Tensor]) -> ExpansionModel:
    tensors = {name: state[name] for name in SHAPE.tensors()}
    allowed = np.random.default_rng(1).choice(np.arange(300, 50000), ALLOWED_WORDS, replace=False)
    output_ids = (COMMA, *sorted(int(token) for token in allowed))
    network = Network(
        SHAPE,
        tensors,
        tensors["wte.weight"][list(output_ids)],
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    words = tuple(f"word{token}" for token in output_ids[1:])
    return ExpansionModel(
        network, lambda _text: [], output_ids, words, None, TOP_K, 1.0, None, "benchmark"
    )


def _write(model: ExpansionModel, prompts: Sequence[list[int]]) -> None:
    rows = [
        Row(model, ids, FreeWords(model.words, (), NEW_TOKENS), NEW_TOKENS, seed)
        for seed, ids in enumerate(prompts)
    ]
    write(model, rows)
    if any(len(row.ids) != PROMPT_TOKENS + NEW_TOKENS for row in rows):
        raise AssertionError("not as many tokens as the other side")


def _generate(full: Any, model: ExpansionModel, prompt: list[int]) -> None:
    from transformers import LogitsProcessor, LogitsProcessorList  # noqa: PLC0415

    closed = torch.full((SHAPE.vocabulary,), -torch.inf)
    closed[list(model.output_ids)] = 0.0

    class WhiteList(LogitsProcessor):  # type: ignore[misc]
        """Closes all tokens but the allowed ones that were not written yet, and the comma."""

        def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            bias = closed.clone()
            bias[ids[0]] = -torch.inf
            bias[COMMA] = 0.0
            return scores + bias

    with torch.inference_mode():
        ids = torch.tensor([prompt])
        written = full.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            top_k=TOP_K,
            min_new_tokens=NEW_TOKENS,
            max_new_tokens=NEW_TOKENS,
            pad_token_id=50256,
            logits_processor=LogitsProcessorList([WhiteList()]),
        )
    if written.shape[1] != PROMPT_TOKENS + NEW_TOKENS:
        raise AssertionError("not as many tokens as ours")

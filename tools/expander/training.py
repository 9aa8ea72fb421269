"""Trains the language model and measures it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from tools.expander.corpus import Text
from tools.expander.vocabulary import COMMA, CONTEXT, UNKNOWN

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

WIDTH, LAYERS, HEADS = 128, 3, 4
TOKENS_PER_BATCH = 2400
PEAK_RATE = 2.5e-3
WARM_UP = 60
UNKNOWN_SHARE = 0.03  # prompt words hidden while training, so that unknown words do no harm
UNKNOWN_PROMPTS = 0.01  # prompts hidden altogether: what suits anything at all


@dataclass(frozen=True)
class Encoded:
    """A text as token ids; the first ``prompt`` of them are not learnt."""

    ids: NDArray[Any]
    prompt: int


def read_texts(path: Path) -> list[Text]:
    """Read the file that ``build.write_texts`` wrote."""
    texts = []
    for line in path.read_text(encoding="utf-8").splitlines():
        prompt, _, phrases = line.partition("\t")
        texts.append(Text(prompt, tuple(phrases.split(", "))))
    return texts


def encode(texts: Sequence[Text], vocabulary: Sequence[str]) -> list[Encoded]:
    """Turn texts into token ids; prompts are read word by word."""
    ids = {token: index for index, token in enumerate(vocabulary)}
    unknown, comma = ids[UNKNOWN], ids[COMMA]
    encoded = []
    for text in texts:
        prompt = [ids.get(word, unknown) for word in text.prompt.replace(",", " , ").split()]
        body = [comma]
        for phrase in text.phrases:
            body += [ids[word] for word in phrase.split()] + [comma]
        row = np.array((prompt + body)[:CONTEXT], dtype=np.int64)
        encoded.append(Encoded(row, len(prompt) + 1))
    return encoded


def new_model(initial: NDArray[Any]) -> GPT2LMHeadModel:
    """Return an untrained GPT-2 whose token embeddings are ``initial``, ``[vocabulary, WIDTH]``."""
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415

    config = GPT2Config(
        vocab_size=len(initial),
        n_positions=CONTEXT,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=HEADS,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=1,
        eos_token_id=1,
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        model.transformer.wte.weight.copy_(torch.from_numpy(initial))
    return model


def batches(
    sequences: Sequence[Encoded], random: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (ids, targets) of about ``TOKENS_PER_BATCH`` tokens, sorted by length within a shuffle.

    Targets are -100 where nothing is learnt: in the prompt and behind the end.
    """
    order = random.permutation(len(sequences))
    for chunk in np.array_split(order, max(1, len(order) // 1024)):
        ordered = sorted(chunk, key=lambda index: len(sequences[index].ids))
        groups: list[list[int]] = [[]]
        for index in ordered:
            if (len(groups[-1]) + 1) * len(sequences[index].ids) > TOKENS_PER_BATCH:
                groups.append([])
            groups[-1].append(index)
        for position in random.permutation(len(groups)):
            if groups[position]:
                yield _stack([sequences[index] for index in groups[position]], random)


def _stack(
    rows: Sequence[Encoded], random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), width), dtype=np.int64)
    targets = np.full((len(rows), width), -100, dtype=np.int64)
    for line, row in enumerate(rows):
        ids[line, : len(row.ids)] = row.ids
        targets[line, row.prompt - 1 : len(row.ids) - 1] = row.ids[row.prompt :]
        share = 1.0 if random.random() < UNKNOWN_PROMPTS else UNKNOWN_SHARE
        hidden = np.flatnonzero(random.random(row.prompt - 1) < share)
        ids[line, hidden] = 0
    return torch.from_numpy(ids), torch.from_numpy(targets)


def loss_of(
    model: GPT2LMHeadModel, ids: torch.Tensor, targets: torch.Tensor, outputs: int
) -> torch.Tensor:
    """Return the mean cross entropy in nats over the learnt tokens.

    Only the first ``outputs`` rows of the vocabulary (special tokens and allowed words) are scored:
    nothing else is ever written.
    """
    hidden = model.transformer(ids).last_hidden_state
    learnt = targets != -100
    logits = hidden[learnt] @ model.transformer.wte.weight[:outputs].T
    return F.cross_entropy(logits.float(), targets[learnt])


def train(
    model: GPT2LMHeadModel, sequences: Sequence[Encoded], *, outputs: int, steps: int, seed: int
) -> list[float]:
    """Train for ``steps`` batches; the learning rate falls to nothing by then. Returns the losses."""
    random = np.random.default_rng(seed)
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "wte" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "wte" in n]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98))
    losses: list[float] = []
    model.train()
    while True:
        for ids, targets in batches(sequences, random):
            progress = len(losses) / steps
            if progress >= 1:
                return losses
            rate = PEAK_RATE * min(1, (len(losses) + 1) / WARM_UP) * _cooling(progress)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(model, ids, targets, outputs)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) % 100 == 0:
                recent = sum(losses[-100:]) / 100
                print(f"{progress:6.1%}  step {len(losses)}  loss {recent:.3f}", flush=True)


def _cooling(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress))) + 0.01


@torch.inference_mode()
def perplexity(
    model: GPT2LMHeadModel, sequences: Sequence[Encoded], outputs: int, *, shuffle: bool = False
) -> float:
    """Return the perplexity per token (words and commas) of the continuations.

    Args:
        model: the language model.
        sequences: held-out texts.
        outputs: how many rows of the vocabulary can be written.
        shuffle: give every continuation the prompt of another text, to see what the prompt is worth.
    """
    model.eval()
    total, count = 0.0, 0
    for index, row in enumerate(sequences):
        giver = sequences[(index + len(sequences) // 2) % len(sequences)] if shuffle else row
        ids = np.concatenate([giver.ids[: giver.prompt], row.ids[row.prompt :]])[:CONTEXT]
        targets = np.full(len(ids), -100, dtype=np.int64)
        targets[giver.prompt - 1 : -1] = ids[giver.prompt :]
        learnt = int((targets != -100).sum())
        loss = loss_of(model, torch.from_numpy(ids)[None], torch.from_numpy(targets)[None], outputs)
        total += loss.item() * learnt
        count += learnt
    return math.exp(total / count)


def unigram_perplexity(
    training: Sequence[Encoded], held_out: Sequence[Encoded], outputs: int
) -> float:
    """Return the held-out perplexity of word frequencies alone (add-one smoothing)."""
    counts = Counter(token for row in training for token in row.ids[row.prompt :].tolist())
    total = sum(counts.values()) + outputs
    losses = [
        -math.log((counts[token] + 1) / total)
        for row in held_out
        for token in row.ids[row.prompt :].tolist()
    ]
    return math.exp(sum(losses) / len(losses))

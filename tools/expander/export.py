"""Writes the folder that the extension ships."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tools.expander.clip_cost import clip_cost
from tools.expander.phrases import Phrase
from tools.expander.vocabulary import save_tokenizer

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

LARGEST = 8_000_000  # bytes


def export(
    model: GPT2LMHeadModel,
    vocabulary: Sequence[str],
    words: Sequence[str],
    phrases: Sequence[Phrase],
    folder: Path,
) -> int:
    """Write weights (half precision), configuration, tokenizer, words, phrases and their facets.

    Args:
        model: the trained model.
        vocabulary: its tokens in order of id.
        words: the allowed words.
        phrases: the phrases made of them, in order.
        folder: where to; files of the same names are replaced.

    Returns:
        the size of the folder in bytes.

    Raises:
        ValueError: the folder grew beyond what is shipped.
    """
    from safetensors.torch import save_file  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    shared = {"lm_head.weight"}  # tied to the embeddings
    tensors = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
        if name not in shared and not name.endswith((".attn.bias", ".attn.masked_bias"))
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_diff_dict()
    config.update(architectures=["GPT2LMHeadModel"], torch_dtype="float16")
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
    save_tokenizer(vocabulary, folder)
    costs = "".join(f"{word} {clip_cost(word)}\n" for word in words)
    (folder / "words.txt").write_text(costs, encoding="utf-8")
    (folder / "phrases.txt").write_text("".join(f"{p.text}\n" for p in phrases), "utf-8")
    (folder / "facets.txt").write_text(_facets(phrases), "utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LARGEST:
        raise ValueError(f"{folder} takes {size} bytes, at most {LARGEST} are shipped")
    return size


def _facets(phrases: Sequence[Phrase]) -> str:
    sorted_out: dict[str, list[str]] = {}
    for phrase in phrases:
        sorted_out.setdefault(phrase.facet, []).append(phrase.text)
    return "".join(f"{facet}: {'; '.join(texts)}\n" for facet, texts in sorted(sorted_out.items()))

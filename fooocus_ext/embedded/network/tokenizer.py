"""CLIP's byte-pair tokenizer, built from the merge list that the open_clip_torch package ships (MIT, OpenAI CLIP).

Only that data file is read; open_clip itself (and torchvision behind it) is never imported.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import tempfile
from pathlib import Path

import torch
from transformers import CLIPTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

MERGES = 49152 - 256 - 2
START, END = "<|startoftext|>", "<|endoftext|>"
FULL_VOCABULARY = 49408
START_ID, END_ID = FULL_VOCABULARY - 2, FULL_VOCABULARY - 1


def bpe_file() -> Path:
    """The merge list inside the installed open_clip package; raises FileNotFoundError with what to install."""
    spec = importlib.util.find_spec("open_clip")
    for folder in spec.submodule_search_locations or [] if spec else []:
        path = Path(folder) / "bpe_simple_vocab_16e6.txt.gz"
        if path.is_file():
            return path
    raise FileNotFoundError("CLIP's vocabulary is missing: pip install --no-deps open-clip-torch==2.20.0")


def merges_and_vocabulary() -> tuple[list[str], dict[str, int]]:
    """Merge rules in order, and token -> id: bytes, bytes ending a word, merges, the two marks."""
    with gzip.open(bpe_file(), "rt", encoding="utf-8") as file:
        merges = file.read().split("\n")[1:MERGES + 1]
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(rule.split()) for rule in merges)]
    return merges, {token: index for index, token in enumerate([*tokens, START, END])}


@functools.cache
def load_tokenizer() -> CLIPTokenizer:
    """The tokenizer of both text encoders."""
    merges, vocabulary = merges_and_vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        vocabulary_file, merges_file = Path(folder) / "vocab.json", Path(folder) / "merges.txt"
        vocabulary_file.write_text(json.dumps(vocabulary), encoding="utf-8")
        merges_file.write_text("\n".join(["#version: 0.2", *merges]), encoding="utf-8")
        return CLIPTokenizer(str(vocabulary_file), str(merges_file))


def fold_tokens(tokens: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Token ids for an encoder with fewer words than CLIP: words share rows, the marks keep the last two."""
    if vocabulary >= FULL_VOCABULARY:
        return tokens
    folded = tokens % (vocabulary - 2)
    folded = torch.where(tokens == START_ID, vocabulary - 2, folded)
    return torch.where(tokens == END_ID, vocabulary - 1, folded)

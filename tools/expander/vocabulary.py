"""The vocabulary: whole words, so that an allowed word is always one token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.expander.embeddings import embed

UNKNOWN, END, COMMA = "[UNK]", "<|endoftext|>", ","
SPECIAL = (UNKNOWN, END, COMMA)
ENDINGS = ("s", "es", "d", "ed", "ing", "er", "ers", "ly", "y", "like", "man", "men", "woman")
SIZE = 8000
CONTEXT = 256


def choose_vocabulary(allowed: Sequence[str], prompts: Iterable[str]) -> list[str]:
    """Return the tokens in order of id: special ones, allowed words, frequent words of prompts, endings.

    A word outside the vocabulary is read as a known word and an ending (``sailors`` as ``sailor`` and
    ``##s``), or else as unknown.
    """
    counts = Counter(word for prompt in prompts for word in prompt.replace(",", " ").split())
    known = set(allowed) | set(SPECIAL)
    room = SIZE - len(known) - len(ENDINGS)
    others = [word for word, _ in counts.most_common() if word not in known and word.isalpha()]
    return [*SPECIAL, *sorted(allowed), *others[:room], *(f"##{ending}" for ending in ENDINGS)]


def initial_embeddings(vocabulary: Sequence[str], width: int) -> NDArray[Any]:
    """Return ``[len(vocabulary), width]``: the principal parts of the words' sentence embeddings.

    Words that the corpus never shows keep this place, near words of like meaning, so that a prompt
    about them is not read as noise.
    """
    vectors = embed([token.removeprefix("##") for token in vocabulary])
    vectors -= vectors.mean(0)
    _, _, directions = np.linalg.svd(vectors, full_matrices=False)
    reduced = vectors @ directions[:width].T
    reduced *= 0.05 / reduced.std()
    reduced[[index for index, token in enumerate(vocabulary) if token.startswith("##")]] = 0
    return np.asarray(reduced.astype(np.float32))


def save_tokenizer(vocabulary: Sequence[str], folder: Path) -> None:
    """Write ``tokenizer.json`` and its configuration, readable by transformers' ``AutoTokenizer``."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[^\p{L},]+"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        eos_token=END,
        bos_token=END,
        pad_token=END,
        model_max_length=CONTEXT,
    )
    fast.save_pretrained(folder)

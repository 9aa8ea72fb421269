"""Sentence embeddings: which words belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.expander.sources import embedding_model_folder

BATCH = 256


def embed(texts: Sequence[str]) -> NDArray[Any]:
    """Return one unit vector per text, ``[len(texts), 384]`` float32, as sentence-transformers does.

    That is: the mean of the last hidden states over the text's tokens, normalised.
    """
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - heavy, and only needed here

    folder = embedding_model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[index] for index in chosen],
                padding=True,
                truncation=True,
                max_length=48,
                return_tensors="pt",
            )
            hidden = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors[chosen] = torch.nn.functional.normalize(mean, dim=-1).numpy()
    return vectors

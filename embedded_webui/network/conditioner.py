"""SDXL's conditioner: text encoders and sinusoidal size embeddings, joined to crossattn and vector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

SIZE_WIDTH = 256
OUTPUT_KEYS = {2: ("vector", 1), 3: ("crossattn", 2)}
"""number of axes of an embedding -> (name of the cond, axis along which embeddings are joined)"""


def sinusoidal(values: torch.Tensor, width: int = SIZE_WIDTH) -> torch.Tensor:
    """[N] -> [N, width]: cosines, then sines, at frequencies 10000^(-k / (width / 2)); float32."""
    half = width // 2
    # made on the CPU, as in the webui: a GPU rounds exp differently
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    angles = values[:, None].float() * frequencies.to(values.device)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class ConcatTimestepEmbedderND(torch.nn.Module):
    """[B,n] numbers -> [B, n * 256]."""

    is_trainable = False

    def __init__(self, input_key: str):
        super().__init__()
        self.input_key = input_key

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Embed each number, cosines before sines."""
        return sinusoidal(numbers.flatten()).reshape(numbers.shape[0], -1)


class GeneralConditioner(torch.nn.Module):
    """Runs every embedder on its part of the batch.

    `force_zero_embeddings` names inputs whose result is zeroed.
    """

    def __init__(self, embedders: Iterable[torch.nn.Module]) -> None:
        super().__init__()
        self.embedders = torch.nn.ModuleList(embedders)

    def forward(
        self, batch: Mapping[str, Any], force_zero_embeddings: Sequence[str] | None = None
    ) -> dict[str, torch.Tensor]:
        """Conds of a batch, by the embedders' input keys."""
        output: dict[str, torch.Tensor] = {}
        for embedder in self.embedders:
            source = str(embedder.input_key)
            with torch.no_grad():
                result = embedder(batch[source])
            zeroed = source in (force_zero_embeddings or ())
            for embedded in result if isinstance(result, tuple | list) else [result]:
                embedding = torch.zeros_like(embedded) if zeroed else embedded
                key, axis = OUTPUT_KEYS[embedding.dim()]
                output[key] = (
                    torch.cat((output[key], embedding), axis) if key in output else embedding
                )
        return output

    def _text_embedder(self) -> Any:
        return next(embedder for embedder in self.embedders if hasattr(embedder, "tokenize"))

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of the first text encoder."""
        ids: list[list[int]] = self._text_embedder().tokenize(texts)
        return ids

    def process_texts(self, texts: Sequence[str]) -> tuple[list[Any], int]:
        """Chunks of 75 tokens, and the largest number of tokens."""
        chunks, count = self._text_embedder().process_texts(texts)
        return list(chunks), int(count)

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """Where the prompt would need another chunk."""
        return int(self._text_embedder().get_target_prompt_token_count(token_count))

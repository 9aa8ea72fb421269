"""The two text encoders, 128 wide; whoever loads them repeats their states to SDXL's 768 and 1280.

Repeating is exact: LayerNorm sees the same mean and variance, and a matrix that is repeated both ways
and divided by the number of copies maps repeated vectors to repeated vectors. So small encoders can be
trained together with the UNet, and exported at CLIP's true widths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPTextConfig, CLIPTextModel

from embedded_webui.pocket import NARROW as WIDTH
from tools.pocket.vocabulary import LENGTH, OTHERS, caption_tokens, token_pair

HEADS = 2
LAYERS = {"clip_l": 1, "clip_g": 2}
"""layers whose output the UNet sees; bigG has one more, for the pooled vector"""
STATE_MEAN = 0.5
"""mean of the states that are stored: the webui's emphasis divides by it.

The UNets are blind to each token's mean (see `centred`), and so is LayerNorm, so any will do.
"""


def _encoder(rows: int, layers: int, activation: str) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=rows,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        max_position_embeddings=LENGTH,
        hidden_act=activation,
    )
    model = CLIPTextModel(config)
    embeddings = model.text_model.embeddings
    torch.nn.init.normal_(embeddings.token_embedding.weight, std=0.5)
    torch.nn.init.normal_(embeddings.position_embedding.weight, std=0.05)
    return model


def centred(states: torch.Tensor) -> torch.Tensor:
    """[..., k * 128] without the mean of each encoder's state."""
    parts = torch.unflatten(states, -1, (-1, WIDTH))
    return (parts - parts.mean(-1, keepdim=True)).flatten(-2)


class TextEncoders(torch.nn.Module):
    """Captions to (context [N,77 a chunk,256], pooled [N,128]); the first half of the context is CLIP-L's."""

    rows: torch.Tensor

    def __init__(self, rows: NDArray[np.int16]):
        super().__init__()
        number = OTHERS + len(caption_tokens())
        self.register_buffer("rows", torch.from_numpy(rows.astype(np.int64)), persistent=False)
        self.clip_l = _encoder(number, LAYERS["clip_l"], "quick_gelu")
        self.clip_g = _encoder(number, LAYERS["clip_g"] + 1, "gelu")
        self.text_projection = torch.nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH**0.5)

    def forward(
        self, captions: Sequence[str], chunks: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode captions in `chunks` of 75 tokens, one context after the other; what is longer is cut.

        The pooled vector is the first chunk's, as in the webui.
        """
        pairs = [token_pair(caption, chunk) for caption in captions for chunk in range(chunks)]
        padded, zeroed, ends = zip(*pairs, strict=True)
        ids_l, ids_g = (self.rows[torch.from_numpy(np.stack(ids))] for ids in (padded, zeroed))
        states_l = self.clip_l(input_ids=ids_l, output_hidden_states=True).hidden_states[-1]
        out = self.clip_g(input_ids=ids_g, output_hidden_states=True)
        last = out.last_hidden_state[torch.arange(len(pairs)), torch.tensor(ends)]
        context = torch.cat([states_l, out.hidden_states[-2]], dim=2)
        context = torch.unflatten(context, 0, (len(captions), chunks)).flatten(1, 2)
        return context, last[::chunks] @ self.text_projection

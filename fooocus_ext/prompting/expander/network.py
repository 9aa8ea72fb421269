"""A lean forward pass over GPT-2's weights, for writing a few words at a time.

It computes what transformers' ``GPT2LMHeadModel`` computes, with three differences: only those rows of
the output head that can be chosen, no padding on the left, and keys and values in a cache that is
allocated once. (GPT-2: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from fooocus_ext.data_files import MEBIBYTE
from fooocus_ext.errors import describe
from fooocus_ext.prompting.expander.linear import linear_layer

LIMITS: Mapping[str, tuple[int, int]] = {
    "vocabulary": (1, 300_000),
    "context": (32, 16_384),
    "width": (1, 8_192),
    "layers": (1, 100),
    "heads": (1, 128),
    "inner": (1, 32_768),
}
"""The least and the most of each number that is believed; GPT-2's largest has 48 layers of width 1600."""
_KEYS = {
    "vocabulary": ("vocab_size", 50257),
    "context": ("n_positions", 1024),
    "width": ("n_embd", 768),
    "layers": ("n_layer", 12),
    "heads": ("n_head", 12),
}
_LARGEST_EPSILON = 0.1
_OTHER_BYTES = 64 * MEBIBYTE


@dataclass(frozen=True)
class NetworkShape:
    """The numbers of a GPT-2 (the names in ``config.json`` in brackets).

    Attributes:
        vocabulary: number of tokens (``vocab_size``).
        context: longest sequence (``n_positions``).
        width: size of a hidden state (``n_embd``).
        layers: number of blocks (``n_layer``).
        heads: attention heads per block (``n_head``).
        inner: size inside the feed-forward part (``n_inner``, by default four widths).
        epsilon: of the layer norms (``layer_norm_epsilon``).
    """

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    inner: int
    epsilon: float = 1e-5

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> NetworkShape:
        """Return the shape that ``config.json`` describes.

        Raises:
            ValueError: a number is none, or so large that only a broken file would have it.
        """
        sizes = {
            attribute: _whole(config, key, default, *LIMITS[attribute])
            for attribute, (key, default) in _KEYS.items()
        }
        inner = _whole(config, "n_inner", 4 * sizes["width"], *LIMITS["inner"])
        if sizes["width"] % sizes["heads"]:
            raise ValueError(f"n_embd is {sizes['width']}, not a multiple of n_head")
        epsilon = config.get("layer_norm_epsilon", cls.epsilon)
        if type(epsilon) not in (int, float) or not 0 < epsilon <= _LARGEST_EPSILON:
            raise ValueError(
                f"layer_norm_epsilon is {describe(epsilon)}, allowed is a small number"
            )
        return cls(**sizes, inner=inner, epsilon=float(epsilon))

    @property
    def fewest_bytes(self) -> int:
        """What the weights take in a file, with one byte for each number."""
        return sum(math.prod(size) for size in self.tensors().values())

    @property
    def most_bytes(self) -> int:
        """What they take with eight, beside a mask for each block, as older files have it."""
        masks = 4 * self.layers * self.context**2
        return 8 * self.fewest_bytes + masks + _OTHER_BYTES

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor that the network needs, without its prefix."""
        width, inner = self.width, self.inner
        block = {
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "attn.c_attn.weight": (width, 3 * width),
            "attn.c_attn.bias": (3 * width,),
            "attn.c_proj.weight": (width, width),
            "attn.c_proj.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
            "mlp.c_fc.weight": (width, inner),
            "mlp.c_fc.bias": (inner,),
            "mlp.c_proj.weight": (inner, width),
            "mlp.c_proj.bias": (width,),
        }
        shapes: dict[str, tuple[int, ...]] = {
            "wte.weight": (self.vocabulary, width),
            "wpe.weight": (self.context, width),
            "ln_f.weight": (width,),
            "ln_f.bias": (width,),
        }
        for layer in range(self.layers):
            shapes |= {f"h.{layer}.{name}": shape for name, shape in block.items()}
        return shapes


class Cache:
    """Keys and values of a batch, and how long each row is.

    Args:
        shape: of the network.
        rows: size of the batch.
        capacity: longest sequence that will be kept.
        like: a tensor of the device and dtype to use.
    """

    def __init__(self, shape: NetworkShape, rows: int, capacity: int, like: torch.Tensor) -> None:
        size = (shape.layers, rows, shape.heads, capacity, shape.width // shape.heads)
        self.keys = like.new_zeros(size)
        self.values = like.new_zeros(size)
        self.lengths = [0] * rows

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        index = torch.tensor(rows, device=self.keys.device)
        self.keys = self.keys.index_select(1, index)
        self.values = self.values.index_select(1, index)
        self.lengths = [self.lengths[row] for row in rows]


class Network:
    """GPT-2 with an output head cut down to some tokens.

    Args:
        shape: of the network.
        tensors: the weights under their names in ``NetworkShape.tensors``.
        head: the rows of the output head to score, ``[outputs, width]``.
        device: where to compute.
        dtype: in what precision.
    """

    def __init__(
        self,
        shape: NetworkShape,
        tensors: Mapping[str, torch.Tensor],
        head: torch.Tensor,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.shape = shape
        self._head = head.to(device, dtype)
        # GPT-2 stores its projections as [in, out]; the usual order is the other way round.
        self._projections = {
            name: linear_layer(
                tensors[f"{name}.weight"].to(device, dtype).t(),
                tensors[f"{name}.bias"].to(device, dtype),
            )
            for name in _projections(shape)
        }
        self._tensors = {
            name: tensor.to(device, dtype).contiguous()
            for name, tensor in tensors.items()
            if name.rpartition(".")[0] not in self._projections
        }

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._head.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return self._head.dtype

    @property
    def bytes_per_token(self) -> int:
        """What is read from memory to write one token."""
        return self._head.nbytes + sum(each.bytes_read for each in self._projections.values())

    @torch.inference_mode()
    def start(self, rows: Sequence[Sequence[int]], capacity: int) -> tuple[torch.Tensor, Cache]:
        """Read the prompts.

        Args:
            rows: token ids of each prompt, at least one each.
            capacity: longest sequence that the cache must hold, at most ``shape.context``.

        Returns:
            the scores of the next token, ``[rows, outputs]``, and the cache to go on with.
        """
        cache = Cache(self.shape, len(rows), capacity, self._head)
        longest = max(map(len, rows))
        # Padding stands behind each prompt: causal attention never looks there, and what is cached of
        # it is overwritten or masked later.
        padded = [[*row, *[0] * (longest - len(row))] for row in rows]
        ids = torch.tensor(padded, device=self.device)
        hidden = self._embed(ids, torch.arange(longest, device=self.device))
        for layer in range(self.shape.layers):
            query, key, value = self._project(layer, hidden)
            cache.keys[layer, :, :, :longest] = key
            cache.values[layer, :, :, :longest] = value
            attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
            hidden = self._finish_block(layer, hidden, attended)
        cache.lengths = [len(row) for row in rows]
        last = torch.tensor([len(row) - 1 for row in rows], device=self.device)
        return self._score(hidden[torch.arange(len(rows), device=self.device), last]), cache

    @torch.inference_mode()
    def go_on(self, ids: Sequence[int], cache: Cache) -> torch.Tensor:
        """Read one more token per row; returns the scores of the next, ``[rows, outputs]``."""
        lengths = torch.tensor(cache.lengths, device=self.device)
        rows = torch.arange(len(ids), device=self.device)
        span = max(cache.lengths) + 1
        places = torch.arange(span, device=self.device)
        seen = (places <= lengths[:, None])[:, None, None, :] if len(ids) > 1 else None
        hidden = self._embed(torch.tensor(ids, device=self.device)[:, None], lengths[:, None])
        for layer in range(self.shape.layers):
            query, key, value = self._project(layer, hidden)
            if seen is None:
                cache.keys[layer, :, :, span - 1] = key[:, :, 0]
                cache.values[layer, :, :, span - 1] = value[:, :, 0]
            else:
                cache.keys[layer][rows, :, lengths] = key[:, :, 0]
                cache.values[layer][rows, :, lengths] = value[:, :, 0]
            attended = F.scaled_dot_product_attention(
                query,
                cache.keys[layer, :, :, :span],
                cache.values[layer, :, :, :span],
                attn_mask=seen,
            )
            hidden = self._finish_block(layer, hidden, attended)
        cache.lengths = [length + 1 for length in cache.lengths]
        return self._score(hidden[:, 0])

    def _embed(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return self._tensors["wte.weight"][ids] + self._tensors["wpe.weight"][positions]

    def _norm(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return F.layer_norm(hidden, weight.shape, weight, bias, self.shape.epsilon)

    def _project(self, layer: int, hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return queries, keys and values, ``[rows, heads, tokens, width / heads]`` each."""
        normed = self._norm(f"h.{layer}.ln_1", hidden)
        joined = self._projections[f"h.{layer}.attn.c_attn"](normed)
        rows, tokens, _ = joined.shape
        split = joined.view(rows, tokens, 3, self.shape.heads, -1)
        return split.permute(2, 0, 3, 1, 4).unbind(0)

    def _finish_block(
        self, layer: int, hidden: torch.Tensor, attended: torch.Tensor
    ) -> torch.Tensor:
        merged = attended.transpose(1, 2).reshape(hidden.shape)
        hidden = hidden + self._projections[f"h.{layer}.attn.c_proj"](merged)
        inner = self._projections[f"h.{layer}.mlp.c_fc"](self._norm(f"h.{layer}.ln_2", hidden))
        activated = F.gelu(inner, approximate="tanh")
        return hidden + self._projections[f"h.{layer}.mlp.c_proj"](activated)

    def _score(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.linear(self._norm("ln_f", hidden), self._head)


def _whole(config: Mapping[str, Any], key: str, default: int, minimum: int, maximum: int) -> int:
    value = config.get(key)
    value = default if value is None else value
    if type(value) is not int or not minimum <= value <= maximum:
        raise ValueError(f"{key} is {describe(value)}, allowed is {minimum} to {maximum}")
    return value


def _projections(shape: NetworkShape) -> list[str]:
    parts = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    return [f"h.{layer}.{part}" for layer in range(shape.layers) for part in parts]

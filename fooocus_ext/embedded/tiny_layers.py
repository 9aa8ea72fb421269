"""Layers of the tiny default checkpoint, as seeded tensors under the original key names of SDXL's files.

 Two ideas make an untrained network draw something. A GroupNorm over groups of three channels [K,
-K, v] with a large constant K divides v by a constant, and silu(v) - silu(-v) = v: signals laid out
like that pass a norm and a SiLU unchanged, which gives an exact linear autoencoder and an exact
"predict the input" path through the UNet. And the rest of the UNet is random, with its residual
branches open: a smooth field that depends on the prompt.
"""

from __future__ import annotations

import math

import torch

CARRIER = 16.0
GROUP = 3
NORM_GAIN = CARRIER * math.sqrt(2 / GROUP)
"""what GroupNorm divides by when a group holds CARRIER, -CARRIER and a small value"""


class Layers:
    """Collects tensors; every random one is drawn from one generator."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: dict[str, torch.Tensor] = {}

    def random(self, *shape: int, gain: float = 1.0) -> torch.Tensor:
        """Normal numbers that keep the variance of what they multiply: deviation gain / sqrt(fan in)."""
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 1
        return torch.randn(*shape, generator=self.generator) * (gain / math.sqrt(fan_in))

    def put(self, key: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        """A layer's weight and bias (zero if not given)."""
        self.tensors[f"{key}.weight"] = weight
        self.tensors[f"{key}.bias"] = torch.zeros(weight.shape[0]) if bias is None else bias

    def norm(self, key: str, width: int) -> None:
        """A norm layer that only norms."""
        self.put(key, torch.ones(width))

    def linear(self, key: str, n_in: int, n_out: int, gain: float = 1.0, bias: bool = True) -> None:
        """A random linear layer."""
        weight = self.random(n_out, n_in, gain=gain)
        if bias:
            self.put(key, weight)
        else:
            self.tensors[f"{key}.weight"] = weight

    def conv(self, key: str, n_in: int, n_out: int, size: int = 3, gain: float = 1.0) -> None:
        """A random convolution."""
        self.put(key, self.random(n_out, n_in, size, size, gain=gain))


def tap(n_out: int, n_in: int, size: int, links: dict[tuple[int, int], float]) -> torch.Tensor:
    """A convolution's weight with only the centre set, for (output, input) channel pairs."""
    weight = torch.zeros(n_out, n_in, size, size)
    for (target, source), value in links.items():
        weight[target, source, size // 2, size // 2] = value
    return weight


def per_channel(width: int, kernel: torch.Tensor) -> torch.Tensor:
    """A convolution's weight that filters each channel by itself with `kernel` [k,k]."""
    weight = torch.zeros(width, width, *kernel.shape)
    weight[torch.arange(width), torch.arange(width)] = kernel
    return weight


def blur_kernel() -> torch.Tensor:
    """[3,3] binomial."""
    row = torch.tensor([0.25, 0.5, 0.25])
    return row[:, None] * row[None, :]


def corner_mean_kernel() -> torch.Tensor:
    """[3,3] mean of the first two rows and columns: the webui's strided convolutions pad on the far side."""
    kernel = torch.zeros(3, 3)
    kernel[:2, :2] = 0.25
    return kernel


def carrier_bias(width: int, signals: int) -> torch.Tensor:
    """Bias that puts CARRIER and -CARRIER into the groups of the first signals, both signs of each."""
    bias = torch.zeros(width)
    for group in range(2 * signals):
        bias[group * GROUP], bias[group * GROUP + 1] = CARRIER, -CARRIER
    return bias


def plus(signal: int) -> int:
    """Channel that carries a signal."""
    return 2 * signal * GROUP + 2


def minus(signal: int) -> int:
    """Channel that carries it negated."""
    return (2 * signal + 1) * GROUP + 2


def read_signals(width: int, matrix: torch.Tensor) -> torch.Tensor:
    """Output convolution [n,width,3,3] after norm and SiLU: `matrix` [n,signals] times the signals."""
    weight = torch.zeros(matrix.shape[0], width, 3, 3)
    for signal in range(matrix.shape[1]):
        weight[:, plus(signal), 1, 1] = matrix[:, signal] * NORM_GAIN
        weight[:, minus(signal), 1, 1] = -matrix[:, signal] * NORM_GAIN
    return weight


def unet_resblock(
    layers: Layers, key: str, n_in: int, n_out: int, embedding: int, residual: float = 1.0
) -> None:
    """in_layers, emb_layers, out_layers and skip_connection; `residual` scales the random branch."""
    layers.norm(f"{key}.in_layers.0", n_in)
    layers.conv(f"{key}.in_layers.2", n_in, n_out, gain=1.4)
    layers.linear(f"{key}.emb_layers.1", embedding, n_out, gain=1.4)
    layers.norm(f"{key}.out_layers.0", n_out)
    layers.conv(f"{key}.out_layers.3", n_out, n_out, gain=residual)
    if n_in != n_out:
        layers.conv(f"{key}.skip_connection", n_in, n_out, size=1)


def transformer(layers: Layers, key: str, width: int, context: int, text_gain: float) -> None:
    """A spatial transformer of depth 1 with linear projections, blind to the mean of what it attends to."""
    layers.norm(f"{key}.norm", width)
    layers.linear(f"{key}.proj_in", width, width)
    block = f"{key}.transformer_blocks.0"
    for index in (1, 2, 3):
        layers.norm(f"{block}.norm{index}", width)
    for attention, source, gain in (("attn1", width, 0.5), ("attn2", context, text_gain)):
        layers.linear(f"{block}.{attention}.to_q", width, width, gain=2.0, bias=False)
        for name in ("to_k", "to_v"):
            weight = layers.random(width, source)
            layers.tensors[f"{block}.{attention}.{name}.weight"] = weight - weight.mean(
                1, keepdim=True
            )
        layers.linear(f"{block}.{attention}.to_out.0", width, width, gain=gain)
    layers.linear(f"{block}.ff.net.0.proj", width, width * 8)
    layers.linear(f"{block}.ff.net.2", width * 4, width, gain=0.7)
    layers.linear(f"{key}.proj_out", width, width)


def vae_resblock(layers: Layers, key: str, width: int) -> None:
    """A residual block that adds nothing."""
    layers.norm(f"{key}.norm1", width)
    layers.put(f"{key}.conv1", torch.zeros(width, width, 3, 3))
    layers.norm(f"{key}.norm2", width)
    layers.put(f"{key}.conv2", torch.zeros(width, width, 3, 3))


def vae_middle(layers: Layers, key: str, width: int) -> None:
    """Two residual blocks and an attention that add nothing."""
    for index in (1, 2):
        vae_resblock(layers, f"{key}.block_{index}", width)
    layers.norm(f"{key}.attn_1.norm", width)
    for name in ("q", "k", "v", "proj_out"):
        layers.put(f"{key}.attn_1.{name}", torch.zeros(width, width, 1, 1))

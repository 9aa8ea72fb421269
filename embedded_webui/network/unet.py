"""The UNet of Stable Diffusion 1.5, SDXL and its refiner, its layers under their original names.

Patches, LoRAs and hooks go by those names, such as ``input_blocks.4.1.proj_in``. The layers are those of
Rombach et al. 2022 (latent diffusion); attention is torch's own.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from embedded_webui.network.conditioner import sinusoidal
from embedded_webui.network.shapes import UNET, Tensors, UNetShape

GROUPS = 32
TRANSFORMER_EPSILON = 1e-6
"""that of the group norm before a transformer; the residual blocks have torch's 1e-5"""


class ResBlock(nn.Module):
    """Two convolutions [B,C,h,w] -> [B,D,h,w]; the embedding [B,E] is added in between."""

    def __init__(self, channels: int, out_channels: int, embedding: int):
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, channels),
            nn.SiLU(),
            nn.Conv2d(channels, out_channels, 3, padding=1),
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, out_channels))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, out_channels),
            nn.SiLU(),
            nn.Identity(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        hidden = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        out: torch.Tensor = self.skip_connection(x) + self.out_layers(hidden)
        return out


class CrossAttention(nn.Module):
    """Attention of [B,N,C] to [B,T,D], or to itself."""

    def __init__(self, width: int, context: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Identity())

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        """The attention's output, in the shape of x."""
        seen = x if context is None else context
        query, key, value = (
            states.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for states in (self.to_q(x), self.to_k(seen), self.to_v(seen))
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        out: torch.Tensor = self.to_out(attended.transpose(1, 2).flatten(-2))
        return out


class GEGLU(nn.Module):
    """A linear layer, half of whose output gates the other half (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.proj = nn.Linear(width, 2 * hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., C] -> [..., hidden]."""
        values, gates = self.proj(x).chunk(2, dim=-1)
        out: torch.Tensor = values * functional.gelu(gates)
        return out


class FeedForward(nn.Module):
    """The two linear layers after attention."""

    def __init__(self, width: int):
        super().__init__()
        self.net = nn.Sequential(
            GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., C] -> [..., C]."""
        out: torch.Tensor = self.net(x)
        return out


class TransformerBlock(nn.Module):
    """Attention to itself, attention to the prompt, two linear layers; each added to what went in."""

    def __init__(self, width: int, context: int, heads: int):
        super().__init__()
        self.attn1 = CrossAttention(width, width, heads)
        self.ff = FeedForward(width)
        self.attn2 = CrossAttention(width, context, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """The block's output for x [B,N,C] and the prompt [B,T,D]."""
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context) + x
        out: torch.Tensor = self.ff(self.norm3(x)) + x
        return out


class SpatialTransformer(nn.Module):
    """Transformer blocks over the pixels of [B,C,h,w]; added to what went in."""

    def __init__(self, width: int, depth: int, heads: int, shape: UNetShape):
        super().__init__()
        self.linear = shape.linear
        self.norm = nn.GroupNorm(GROUPS, width, TRANSFORMER_EPSILON)
        self.proj_in, self.proj_out = (
            nn.Linear(width, width) if shape.linear else nn.Conv2d(width, width, 1)
            for _ in range(2)
        )
        self.transformer_blocks = nn.ModuleList(
            TransformerBlock(width, shape.context, heads) for _ in range(depth)
        )

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """The transformer's output for x and the prompt [B,T,D]."""
        hidden = self.norm(x)
        if not self.linear:
            hidden = self.proj_in(hidden)
        hidden = hidden.flatten(2).transpose(1, 2)
        if self.linear:
            hidden = self.proj_in(hidden)
        for block in self.transformer_blocks:
            hidden = block(hidden, context)
        if self.linear:
            hidden = self.proj_out(hidden)
        hidden = hidden.transpose(1, 2).reshape(x.shape)
        out: torch.Tensor = x + (hidden if self.linear else self.proj_out(hidden))
        return out


class Downsample(nn.Module):
    """To half the size."""

    def __init__(self, channels: int):
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,C,h/2,w/2], rounded up."""
        out: torch.Tensor = self.op(x)
        return out


class Upsample(nn.Module):
    """To twice the size."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,C,2h,2w]."""
        out: torch.Tensor = self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out


class TimestepEmbedSequential(nn.ModuleList):
    """Layers one after the other, each given what it asks for besides x."""

    def forward(
        self, x: torch.Tensor, embedding: torch.Tensor, context: torch.Tensor
    ) -> torch.Tensor:
        """The last layer's output."""
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, embedding)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


class DiffusionModel(nn.Module):
    """x [B,4,h,w], timesteps [B], context [B,T,C], y [B,V] or None -> prediction [B,4,h,w]."""

    def __init__(self, shape: UNetShape):
        super().__init__()
        self.shape = shape
        self.in_channels = shape.in_channels
        width = self.model_channels = shape.widths[0]
        self.embedding = 4 * width
        self.time_embed = self._embedder(width)
        self.label_emb = None
        if shape.vector is not None:
            self.label_emb = nn.Sequential(self._embedder(shape.vector))
        self.input_blocks, skips = self._down()
        last = shape.widths[-1]
        self.middle_block = TimestepEmbedSequential(
            [
                ResBlock(last, last, self.embedding),
                SpatialTransformer(last, shape.middle_depth, shape.heads[-1], shape),
                ResBlock(last, last, self.embedding),
            ]
        )
        self.output_blocks = self._up(skips)
        self.out = nn.Sequential(
            nn.GroupNorm(GROUPS, width),
            nn.SiLU(),
            nn.Conv2d(width, shape.out_channels, 3, padding=1),
        )
        self.requires_grad_(False)
        self.eval()

    def _embedder(self, width: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(width, self.embedding), nn.SiLU(), nn.Linear(self.embedding, self.embedding)
        )

    def _block(self, channels: int, level: int) -> list[nn.Module]:
        """A residual block to the width of a level, and the level's transformer, if it has one."""
        shape, width = self.shape, self.shape.widths[level]
        layers: list[nn.Module] = [ResBlock(channels, width, self.embedding)]
        if shape.depths[level]:
            layers.append(SpatialTransformer(width, shape.depths[level], shape.heads[level], shape))
        return layers

    def _down(self) -> tuple[nn.ModuleList, list[int]]:
        """The blocks down to the lowest level, and the width of what each hands over to the way up."""
        shape, channels = self.shape, self.shape.widths[0]
        first = nn.Conv2d(shape.in_channels, channels, 3, padding=1)
        blocks, skips = [TimestepEmbedSequential([first])], [channels]
        for level, width in enumerate(shape.widths):
            if level:
                blocks.append(TimestepEmbedSequential([Downsample(channels)]))
                skips.append(channels)
            for _ in range(shape.layers):
                blocks.append(TimestepEmbedSequential(self._block(channels, level)))
                channels = width
                skips.append(channels)
        return nn.ModuleList(blocks), skips

    def _up(self, skips: list[int]) -> nn.ModuleList:
        channels = self.shape.widths[-1]
        blocks = []
        for level in reversed(range(len(self.shape.widths))):
            for index in range(self.shape.layers + 1):
                layers = self._block(channels + skips.pop(), level)
                channels = self.shape.widths[level]
                if level and index == self.shape.layers:
                    layers.append(Upsample(channels))
                blocks.append(TimestepEmbedSequential(layers))
        return nn.ModuleList(blocks)

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below `model.diffusion_model.`; raises RuntimeError if any is missing."""
        own = (key for key in tensors if key.startswith(UNET))
        self.load_state_dict({key.removeprefix(UNET): tensors[key] for key in own})

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return next(self.parameters()).dtype

    def forward(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        y: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict the noise, or v.

        Where a size is odd, what was upsampled is larger than what it joins, and is resized to it.
        """
        embedding = self.time_embed(sinusoidal(timesteps, self.model_channels).to(x.dtype))
        if self.label_emb is not None:
            embedding = embedding + self.label_emb(y)
        skips = []
        for block in self.input_blocks:
            x = block(x, embedding, context)
            skips.append(x)
        x = self.middle_block(x, embedding, context)
        for block in self.output_blocks:
            skip = skips.pop()
            if x.shape[-2:] != skip.shape[-2:]:
                x = functional.interpolate(x, skip.shape[-2:], mode="nearest")
            x = block(torch.cat((x, skip), dim=1), embedding, context)
        predicted: torch.Tensor = self.out(x)
        return predicted

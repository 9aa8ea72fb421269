"""The autoencoder of Stable Diffusion, its layers under their original names."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from embedded_webui.network.shapes import VAE, Tensors, VaeShape

GROUPS, EPSILON = 32, 1e-6
PICTURE_CHANNELS = 3


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, channels, EPSILON)


def _conv(channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out_channels, 3, padding=1)


class ResnetBlock(nn.Module):
    """Two convolutions [B,C,h,w] -> [B,D,h,w], added to what went in."""

    def __init__(self, channels: int, out_channels: int):
        super().__init__()
        self.norm1, self.norm2 = _norm(channels), _norm(out_channels)
        self.conv1, self.conv2 = _conv(channels, out_channels), _conv(out_channels, out_channels)
        if channels != out_channels:
            self.nin_shortcut = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = self.conv2(functional.silu(self.norm2(hidden)))
        same = x.shape[1] == hidden.shape[1]
        out: torch.Tensor = (x if same else self.nin_shortcut(x)) + hidden
        return out


class AttnBlock(nn.Module):
    """Attention among the pixels of [B,C,h,w], with one head; added to what went in."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = _norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        normed = self.norm(x)
        # contiguous: of strided ones torch makes the whole matrix of weights, gigabytes of a large picture
        query, key, value = (
            layer(normed).flatten(2).transpose(1, 2).contiguous()[:, None]
            for layer in (self.q, self.k, self.v)
        )
        attended = functional.scaled_dot_product_attention(query, key, value)[:, 0]
        out: torch.Tensor = x + self.proj_out(attended.transpose(1, 2).reshape(x.shape))
        return out


class Downsample(nn.Module):
    """To half the size; a row and a column of zeros are added below and to the right."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,C,h/2,w/2]."""
        out: torch.Tensor = self.conv(functional.pad(x, (0, 1, 0, 1)))
        return out


class Upsample(nn.Module):
    """To twice the size."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,C,2h,2w]."""
        out: torch.Tensor = self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out


class Middle(nn.Module):
    """The lowest level."""

    def __init__(self, channels: int):
        super().__init__()
        self.block_1, self.block_2 = (ResnetBlock(channels, channels) for _ in range(2))
        self.attn_1 = AttnBlock(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,C,h,w]."""
        out: torch.Tensor = self.block_2(self.attn_1(self.block_1(x)))
        return out


class Level(nn.Module):
    """Residual blocks, and the way to the next level, if there is one."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.block = nn.ModuleList(map(ResnetBlock, widths, widths[1:]))
        self.downsample: Downsample | None = None
        self.upsample: Upsample | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,C,h,w] -> [B,D,...]."""
        for block in self.block:
            x = block(x)
        for resize in (self.downsample, self.upsample):
            if resize is not None:
                x = resize(x)
        return x


class Encoder(nn.Module):
    """[B,3,H,W] -> [B,2C,H/8,W/8]."""

    def __init__(self, shape: VaeShape):
        super().__init__()
        widths = shape.widths
        self.conv_in = _conv(PICTURE_CHANNELS, widths[0])
        self.down = nn.ModuleList()
        for previous, width in zip((widths[0], *widths), widths, strict=False):
            self.down.append(Level([previous, *[width] * shape.layers]))
        for level, width in zip(list(self.down)[:-1], widths, strict=False):
            level.downsample = Downsample(width)
        self.mid = Middle(widths[-1])
        self.norm_out = _norm(widths[-1])
        self.conv_out = _conv(widths[-1], 2 * shape.latent_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mean and log of the variance, side by side, before the last linear layer."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        out: torch.Tensor = self.conv_out(functional.silu(self.norm_out(self.mid(x))))
        return out


class Decoder(nn.Module):
    """[B,C,h,w] -> [B,3,8h,8w]."""

    def __init__(self, shape: VaeShape):
        super().__init__()
        widths = shape.widths
        self.conv_in = _conv(shape.latent_channels, widths[-1])
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for width, below in zip(widths, (*widths[1:], widths[-1]), strict=True):
            self.up.append(Level([below, *[width] * (shape.layers + 1)]))
        for level, width in zip(list(self.up)[1:], widths[1:], strict=True):
            level.upsample = Upsample(width)
        self.norm_out = _norm(widths[0])
        self.conv_out = _conv(widths[0], PICTURE_CHANNELS)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """The picture."""
        z = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            z = level(z)
        out: torch.Tensor = self.conv_out(functional.silu(self.norm_out(z)))
        return out


class FirstStageModel(nn.Module):
    """Images [B,3,H,W] in -1..1 to unscaled latents [B,4,H/8,W/8] and back.

    Encoding takes the mean of the posterior, where the webui samples it from torch's global
    generator: pictures made from pictures are then a function of their seed alone.
    """

    def __init__(self, shape: VaeShape):
        super().__init__()
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)
        channels = shape.latent_channels
        self.quant_conv = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)
        self.requires_grad_(False)

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below `first_stage_model.`; raises RuntimeError if any is missing."""
        self.load_state_dict({key: tensors[f"{VAE}{key}"] for key in self.state_dict()})

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return next(self.parameters()).dtype

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The posterior's mean."""
        mean: torch.Tensor = self.quant_conv(self.encoder(x)).chunk(2, dim=1)[0]
        return mean

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """The picture of a latent."""
        picture: torch.Tensor = self.decoder(self.post_quant_conv(z))
        return picture

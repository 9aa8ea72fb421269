"""The autoencoder: diffusers' AutoencoderKL behind the original interface."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

from embedded_webui.network.shapes import Tensors, VaeShape


def vae_config(shape: VaeShape) -> dict[str, Any]:
    """Arguments of diffusers' AutoencoderKL."""
    levels = len(shape.widths)
    return {
        "block_out_channels": list(shape.widths),
        "layers_per_block": shape.layers,
        "latent_channels": shape.latent_channels,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


class FirstStageModel(torch.nn.Module):
    """Images [B,3,H,W] in -1..1 to unscaled latents [B,4,H/8,W/8] and back.

    Encoding takes the mean of the posterior, where the webui samples it from torch's global
    generator: pictures made from pictures are then a function of their seed alone.
    """

    def __init__(self, shape: VaeShape):
        super().__init__()
        self.config = vae_config(shape)
        self.autoencoder = AutoencoderKL(**self.config).requires_grad_(False)

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below `first_stage_model.`; raises RuntimeError if any is missing."""
        self.autoencoder.load_state_dict(convert_ldm_vae_checkpoint(dict(tensors), self.config))

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        dtype: torch.dtype = self.autoencoder.dtype
        return dtype

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The posterior's mean."""
        mean: torch.Tensor = self.autoencoder.encode(x).latent_dist.mode()
        return mean

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """The picture of a latent."""
        picture: torch.Tensor = self.autoencoder.decode(z).sample
        return picture

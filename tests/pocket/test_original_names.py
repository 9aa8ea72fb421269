"""SDXL's names for our parameters: diffusers' own converter must find every one of them again."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)

from tools.pocket.original_names import original_unet, original_vae


def _numbered(module):
    """A state dict in which every tensor has a value of its own."""
    return {
        key: torch.full_like(value, index)
        for index, (key, value) in enumerate(module.state_dict().items())
    }


def _same(left, right):
    assert set(left) == set(right)
    for key, value in right.items():
        assert torch.equal(left[key].reshape(value.shape), value), key


@pytest.mark.parametrize("layers", [1, 2])
def test_a_unet_survives_the_way_there_and_back(layers):
    config = {
        "block_out_channels": [32, 64, 96],
        "layers_per_block": layers,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "transformer_layers_per_block": [1, 1, 1],
        "attention_head_dim": [1, 2, 3],
        "cross_attention_dim": 16,
        "use_linear_projection": True,
        "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": 24,
    }
    tensors = _numbered(UNet2DConditionModel(**config))
    _same(convert_ldm_unet_checkpoint(original_unet(tensors, layers), config), tensors)


def test_an_autoencoder_survives_the_way_there_and_back():
    widths = [32, 32, 64, 64]
    config = {
        "block_out_channels": widths,
        "layers_per_block": 1,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    }
    tensors = _numbered(AutoencoderKL(**config))
    original = original_vae(tensors)
    bare = {key.removeprefix("first_stage_model."): value for key, value in original.items()}
    assert bare["encoder.mid.attn_1.q.weight"].ndim == 4
    _same(convert_ldm_vae_checkpoint(bare, config), tensors)

"""The UNet: diffusers' UNet2DConditionModel behind the original interface."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

from embedded_webui.network.shapes import UNET, Tensors, UNetShape


def unet_config(shape: UNetShape) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel; raises ValueError for what it cannot be."""
    last = len(shape.widths) - 1
    if shape.depths[last] and shape.depths[last] != shape.middle_depth:
        raise ValueError(
            f"middle block of depth {shape.middle_depth} after a level of depth {shape.depths[last]}"
        )
    depths = [*(max(depth, 1) for depth in shape.depths[:last]), shape.middle_depth]
    return {
        "in_channels": shape.in_channels,
        "out_channels": shape.out_channels,
        "block_out_channels": list(shape.widths),
        "layers_per_block": shape.layers,
        "down_block_types": ["CrossAttnDownBlock2D" if d else "DownBlock2D" for d in shape.depths],
        "up_block_types": [
            "CrossAttnUpBlock2D" if d else "UpBlock2D" for d in reversed(shape.depths)
        ],
        "transformer_layers_per_block": depths,
        "attention_head_dim": list(shape.heads),
        "cross_attention_dim": shape.context,
        "use_linear_projection": shape.linear,
        "class_embed_type": None if shape.vector is None else "projection",
        "projection_class_embeddings_input_dim": shape.vector,
    }


def _resized_afterwards(
    upsample: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    size: Sequence[int] | None = None,
) -> torch.Tensor:
    """Upsample to twice the size, then to ``size``: the webui's UNet does not aim at odd sizes."""
    doubled = upsample(x)
    if size is None:
        return doubled
    return torch.nn.functional.interpolate(doubled, tuple(size), mode="nearest")


class DiffusionModel(torch.nn.Module):
    """x [B,4,h,w], timesteps [B], context [B,T,C], y [B,V] or None -> prediction [B,4,h,w].

    Its layers are those of a UNet of diffusers, and they are its own under their original names, such as
    `input_blocks.0.0`, once it has its weights: patches, LoRAs and hooks go by those.
    """

    def __init__(self, shape: UNetShape):
        super().__init__()
        self.config = unet_config(shape)
        self.unet: UNet2DConditionModel
        vars(self)["unet"] = UNet2DConditionModel(**self.config).requires_grad_(False).eval()
        for block in self.unet.up_blocks:
            for upsampler in block.upsamplers or ():
                upsampler.forward = functools.partial(_resized_afterwards, upsampler.forward)
        self.in_channels = shape.in_channels
        self.model_channels = shape.widths[0]

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below `model.diffusion_model.`; raises RuntimeError if any is missing."""
        own = {key.removeprefix(UNET): key for key in tensors if key.startswith(UNET)}
        if not self._modules:
            self._take_layers(own)
        self.load_state_dict({name: tensors[key] for name, key in own.items()})

    def _take_layers(self, own: dict[str, str]) -> None:
        for name, original in convert_ldm_unet_checkpoint(
            {key: name for name, key in own.items()}, self.config
        ).items():
            layer = self.unet.get_submodule(name.rpartition(".")[0])
            *path, last = original.rpartition(".")[0].split(".")
            place: torch.nn.Module = self
            for step in path:
                if step not in dict(place.named_children()):
                    place.add_module(step, torch.nn.Sequential())
                place = place.get_submodule(step)
            place.add_module(last, layer)
        self.unet.conv_in = self.get_submodule("input_blocks.0")  # whose hooks are to be heard

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        dtype: torch.dtype = self.unet.dtype
        return dtype

    def forward(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        y: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict the noise, or v."""
        predicted: torch.Tensor = self.unet(
            x, timesteps, encoder_hidden_states=context, class_labels=y
        ).sample
        return predicted

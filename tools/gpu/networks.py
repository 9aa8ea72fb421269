"""SDXL's networks at their real size, with random weights that let numbers of the usual size through."""

from __future__ import annotations

import dataclasses

import torch

from embedded_webui.network.clip import CLIPTextModel
from embedded_webui.network.shapes import SDXL_UNET, TextShape, UNetShape
from embedded_webui.network.unet import DiffusionModel

REFINER_UNET = dataclasses.replace(
    SDXL_UNET,
    widths=(384, 768, 1536, 1536),
    depths=(0, 4, 4, 0),
    middle_depth=4,
    context=1280,
    vector=2560,
    heads=(6, 12, 24, 24),
)
CLIP_L = TextShape(
    vocabulary=49408, width=768, layers=12, hidden=3072, positions=77, projection=None
)
CLIP_G = TextShape(
    vocabulary=49408, width=1280, layers=32, hidden=5120, positions=77, projection=None
)
SMALL_UNET = dataclasses.replace(
    SDXL_UNET, widths=(32, 64), depths=(0, 1), layers=1, middle_depth=1, heads=(1, 2)
)
SMALL_CLIP = dataclasses.replace(CLIP_G, vocabulary=64, width=64, layers=1, hidden=64)


def unet(
    shape: UNetShape, device: str, dtype: torch.dtype, place: str | None = None
) -> DiffusionModel:
    """Return a UNet with weights of its own; SDXL's has 2.57e9 of them.

    They are drawn on a device, and kept there or in another place.
    """
    with torch.device("meta"):
        model = DiffusionModel(shape)
    _draw_weights(model, device, dtype, place or device)
    return model


def text_encoder(
    shape: TextShape, device: str, dtype: torch.dtype, place: str | None = None
) -> CLIPTextModel:
    """Return a text encoder with weights of its own, likewise."""
    with torch.device("meta"):
        model = CLIPTextModel(shape, "gelu")
    _draw_weights(model, device, dtype, place or device)
    return model


def _draw_weights(model: torch.nn.Module, device: str, dtype: torch.dtype, place: str) -> None:
    """Draw matrices that keep the size of what they multiply; norms and biases do nothing."""
    generator = torch.Generator(device).manual_seed(0)
    for module in model.modules():
        for name, empty in list(module.named_parameters(recurse=False)):
            weight = torch.zeros(empty.shape, device=device, dtype=dtype)
            if empty.dim() > 1:
                weight.normal_(0, empty[0].numel() ** -0.5, generator=generator)
            elif name == "weight":
                weight.fill_(1)
            setattr(module, name, torch.nn.Parameter(weight.to(place), requires_grad=False))


def inputs(
    shape: UNetShape, side: int, device: str, dtype: torch.dtype, rows: int = 2
) -> dict[str, torch.Tensor]:
    """Return what a UNet is called with, for latents of side x side."""
    generator = torch.Generator().manual_seed(2)
    drawn = {
        "x": torch.randn(rows, shape.in_channels, side, side, generator=generator),
        "context": torch.randn(rows, 77, shape.context, generator=generator),
        "y": torch.randn(rows, shape.vector or 0, generator=generator),
    }
    on_device = {name: value.to(device, dtype) for name, value in drawn.items()}
    return {**on_device, "timesteps": torch.full((rows,), 500.0, device=device)}

"""Reads a checkpoint's architecture off the shapes of its tensors, small or full-size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

UNET = "model.diffusion_model."
VAE = "first_stage_model."
HEAD_WIDTH = 64
"""width of an attention head in SDXL's UNet and in CLIP; not visible in any shape"""
SD1_HEADS = 8
CLIP_L_WIDTH, CLIP_G_WIDTH = 768, 1280
"""of the states that SDXL's UNet takes from its text encoders"""

Tensors = Mapping[str, torch.Tensor]


class UnknownCheckpointError(ValueError):
    """The file is not a checkpoint of a kind that the embedded host can load."""


@dataclass(frozen=True)
class UNetShape:
    """What a UNet is made of."""

    in_channels: int
    out_channels: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    layers: int
    middle_depth: int
    context: int
    vector: int | None
    linear: bool
    heads: tuple[int, ...]


SDXL_UNET = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(320, 640, 1280),
    depths=(0, 2, 10),
    layers=2,
    middle_depth=10,
    context=CLIP_L_WIDTH + CLIP_G_WIDTH,
    vector=2816,
    linear=True,
    heads=(5, 10, 20),
)
"""SDXL base's own: 2.57e9 parameters"""


@dataclass(frozen=True)
class VaeShape:
    """What an autoencoder is made of."""

    widths: tuple[int, ...]
    layers: int
    latent_channels: int


@dataclass(frozen=True)
class TextShape:
    """What a CLIP text model needs to know."""

    vocabulary: int
    width: int
    layers: int
    hidden: int
    positions: int
    projection: int | None


def _count(tensors: Tensors, pattern: str) -> int:
    """Number of distinct indexes that the group of `pattern` takes among the keys."""
    return len({m.group(1) for key in tensors if (m := re.match(pattern, key))})


def kind_of(tensors: Tensors) -> str:
    """Tell "sdxl", "refiner" or "sd1"; raises UnknownCheckpointError for anything else."""
    kinds = {
        "conditioner.embedders.1.model.token_embedding.weight": "sdxl",
        "conditioner.embedders.0.model.token_embedding.weight": "refiner",
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": "sd1",
    }
    for key, kind in kinds.items():
        if key in tensors:
            return kind
    raise UnknownCheckpointError(
        "not an SDXL, SDXL refiner or SD 1.5 checkpoint: no known text encoder in it"
    )


@dataclass(frozen=True)
class Heads:
    """What is known about the UNet's attention heads: their width, or their number."""

    width: int | None = None
    count: int | None = None


def head_counts(
    widths: Sequence[int], depths: Sequence[int], kind: str, known: Heads
) -> tuple[int, ...]:
    """Attention heads per level: as known, else 8 in SD 1.5, and heads of width 64 or less in SDXL."""
    count = known.count or (SD1_HEADS if kind == "sd1" and known.width is None else None)
    if count is not None:
        return (count,) * len(widths)
    attending = [width for width, depth in zip(widths, depths, strict=True) if depth] or widths[-1:]
    wanted = known.width or HEAD_WIDTH
    while wanted > 1 and any(width % wanted for width in attending):
        wanted //= 2
    return tuple(max(width // wanted, 1) for width in widths)


def unet_shape(tensors: Tensors, kind: str, known: Heads) -> UNetShape:
    """The UNet below `model.diffusion_model.`."""
    first = tensors[f"{UNET}input_blocks.0.0.weight"]
    widths: list[int] = []
    depths: list[int] = []
    layers = [0]
    for i in range(1, _count(tensors, rf"{re.escape(UNET)}input_blocks\.(\d+)\.")):
        block = f"{UNET}input_blocks.{i}."
        if f"{block}0.op.weight" in tensors:
            layers.append(0)
            continue
        if layers[-1] == 0:
            widths.append(tensors[f"{block}0.in_layers.2.weight"].shape[0])
            depths.append(_count(tensors, rf"{re.escape(block)}1\.transformer_blocks\.(\d+)\."))
        layers[-1] += 1
    if len(set(layers)) != 1:
        raise UnknownCheckpointError(
            f"levels of the UNet differ in their number of blocks: {layers}"
        )
    keys = next(
        key for key in tensors if key.startswith(UNET) and key.endswith("attn2.to_k.weight")
    )
    projection = next(
        key for key in tensors if key.startswith(UNET) and key.endswith("1.proj_in.weight")
    )
    label = tensors.get(f"{UNET}label_emb.0.0.weight")
    return UNetShape(
        in_channels=first.shape[1],
        out_channels=tensors[f"{UNET}out.2.weight"].shape[0],
        widths=tuple(widths),
        depths=tuple(depths),
        layers=layers[0],
        middle_depth=_count(
            tensors, rf"{re.escape(UNET)}middle_block\.1\.transformer_blocks\.(\d+)\."
        ),
        context=tensors[keys].shape[1],
        vector=None if label is None else label.shape[1],
        linear=tensors[projection].ndim == 2,
        heads=head_counts(widths, depths, kind, known),
    )


def vae_shape(tensors: Tensors) -> VaeShape:
    """The autoencoder below `first_stage_model.`."""
    encoder = f"{VAE}encoder."
    levels = _count(tensors, rf"{re.escape(encoder)}down\.(\d+)\.")
    widths = tuple(
        tensors[f"{encoder}down.{i}.block.0.conv1.weight"].shape[0] for i in range(levels)
    )
    return VaeShape(
        widths=widths,
        layers=_count(tensors, rf"{re.escape(encoder)}down\.0\.block\.(\d+)\."),
        latent_channels=tensors[f"{VAE}decoder.conv_in.weight"].shape[1],
    )


def clip_shape(tensors: Tensors, prefix: str) -> TextShape:
    """A text encoder in transformers' layout below `prefix` (ending in "text_model.")."""
    words = tensors[f"{prefix}embeddings.token_embedding.weight"]
    return TextShape(
        vocabulary=words.shape[0],
        width=words.shape[1],
        layers=_count(tensors, rf"{re.escape(prefix)}encoder\.layers\.(\d+)\."),
        hidden=tensors[f"{prefix}encoder.layers.0.mlp.fc1.weight"].shape[0],
        positions=tensors[f"{prefix}embeddings.position_embedding.weight"].shape[0],
        projection=None,
    )


def open_clip_shape(tensors: Tensors, prefix: str) -> TextShape:
    """A text encoder in OpenCLIP's layout below `prefix` (ending in "model.")."""
    words = tensors[f"{prefix}token_embedding.weight"]
    return TextShape(
        vocabulary=words.shape[0],
        width=words.shape[1],
        layers=_count(tensors, rf"{re.escape(prefix)}transformer\.resblocks\.(\d+)\."),
        hidden=tensors[f"{prefix}transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
        positions=tensors[f"{prefix}positional_embedding"].shape[0],
        projection=tensors[f"{prefix}text_projection"].shape[1],
    )


def text_shapes(tensors: Tensors, kind: str) -> list[TextShape]:
    """All text encoders of a checkpoint."""
    if kind == "sd1":
        return [clip_shape(tensors, "cond_stage_model.transformer.text_model.")]
    if kind == "refiner":
        return [open_clip_shape(tensors, "conditioner.embedders.0.model.")]
    return [
        clip_shape(tensors, "conditioner.embedders.0.transformer.text_model."),
        open_clip_shape(tensors, "conditioner.embedders.1.model."),
    ]

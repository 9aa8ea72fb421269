"""The default checkpoints of the embedded host: tiny, seeded, untrained, in SDXL's file format.

 `python -m fooocus_ext.embedded.tiny_checkpoint --out DIR` writes a base and a refiner, about 40 MB
each, nearly all of it the text encoders' attention at SDXL's true widths (768 and 1280), which the
conds' true shapes ask for. The autoencoder is exact for pictures without detail below 8 pixels; the
UNet paints smooth fields of colour that depend on prompt, seed, size conditioning and timestep.
Nobody should mistake them for a picture model.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch

from fooocus_ext.embedded import tiny_layers as parts

VERSION = 1
WIDTH = 96
EMBEDDING = 4 * WIDTH
LEVELS = 3
HEAD_WIDTH = 32
VOCABULARY = 768
POSITIONS = 77
CLIP_L, CLIP_G = 768, 1280
TEXT_HIDDEN = 64
WORD_MEAN = 0.4
LATENT_CHANNELS = 4
SCALE_FACTOR = 0.13025
SEEDS = {"text": 11, "base": 23, "refiner": 37}
VECTOR = {"base": 2816, "refiner": 2560}
CONTEXT = {"base": CLIP_L + CLIP_G, "refiner": CLIP_G}
NOISE_SHARE = 1.4
"""how much of its input the UNet calls noise.

Above 1 the remaining noise fades faster than in a real model
"""
FIELD_SHARE = {"base": 0.14, "refiner": 0.14}
"""how much of its random field the UNet adds"""
COLORS = torch.tensor(
    [[0.40, 0.24, -0.14, 0.18], [0.42, -0.16, 0.20, 0.14], [0.38, -0.12, -0.26, 0.22]]
)
"""[3,4]: red, green and blue of a unit of each latent channel"""


def _words(layers: parts.Layers, width: int) -> torch.Tensor:
    """Token embeddings; those that pad (id 0 and the end mark) hardly vary, so that words decide.

    All share a mean, because the webui's emphasis divides by the mean of the encoder's output.
    """
    words = torch.randn(VOCABULARY, width, generator=layers.generator)
    words[0] *= 0.02
    words[-1] *= 0.02
    return words + WORD_MEAN


def add_clip_l(layers: parts.Layers, prefix: str) -> None:
    """One layer in transformers' layout."""
    text = f"{prefix}transformer.text_model."
    layers.tensors[f"{text}embeddings.token_embedding.weight"] = _words(layers, CLIP_L)
    layers.tensors[f"{text}embeddings.position_embedding.weight"] = layers.random(POSITIONS, CLIP_L)
    block = f"{text}encoder.layers.0."
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layers.linear(f"{block}self_attn.{name}", CLIP_L, CLIP_L)
    for index in (1, 2):
        layers.norm(f"{block}layer_norm{index}", CLIP_L)
    layers.linear(f"{block}mlp.fc1", CLIP_L, TEXT_HIDDEN)
    layers.linear(f"{block}mlp.fc2", TEXT_HIDDEN, CLIP_L)
    layers.norm(f"{text}final_layer_norm", CLIP_L)


def add_clip_g(layers: parts.Layers, prefix: str) -> None:
    """One layer in OpenCLIP's layout.

    Attention speaks louder than the end mark, so that pooled means the words.
    """
    model = f"{prefix}model."
    layers.tensors[f"{model}token_embedding.weight"] = _words(layers, CLIP_G)
    layers.tensors[f"{model}positional_embedding"] = layers.random(POSITIONS, CLIP_G)
    layers.tensors[f"{model}text_projection"] = layers.random(CLIP_G, CLIP_G)
    layers.tensors[f"{model}logit_scale"] = torch.tensor(4.6)
    block = f"{model}transformer.resblocks.0."
    layers.tensors[f"{block}attn.in_proj_weight"] = layers.random(3 * CLIP_G, CLIP_G)
    layers.tensors[f"{block}attn.in_proj_bias"] = torch.zeros(3 * CLIP_G)
    layers.linear(f"{block}attn.out_proj", CLIP_G, CLIP_G, gain=4.0)
    for index in (1, 2):
        layers.norm(f"{block}ln_{index}", CLIP_G)
    layers.linear(f"{block}mlp.c_fc", CLIP_G, TEXT_HIDDEN)
    layers.linear(f"{block}mlp.c_proj", TEXT_HIDDEN, CLIP_G)
    layers.norm(f"{model}ln_final", CLIP_G)


def add_vae(layers: parts.Layers) -> None:
    """Latents are linear in the mean colour of 8x8 pixels."""
    to_colors = COLORS * SCALE_FACTOR
    to_latents = torch.linalg.pinv(to_colors)
    vae = "first_stage_model."
    encoder, decoder = f"{vae}encoder.", f"{vae}decoder."
    signs = {(parts.plus(i), i): 1.0 for i in range(3)} | {
        (parts.minus(i), i): -1.0 for i in range(3)
    }
    layers.put(f"{encoder}conv_in", parts.tap(WIDTH, 3, 3, signs))
    for level in range(4):
        parts.vae_resblock(layers, f"{encoder}down.{level}.block.0", WIDTH)
        for block in range(2):
            parts.vae_resblock(layers, f"{decoder}up.{level}.block.{block}", WIDTH)
    for level in range(3):
        bias = parts.carrier_bias(WIDTH, 3) if level == 2 else None
        layers.put(
            f"{encoder}down.{level}.downsample.conv",
            parts.per_channel(WIDTH, parts.corner_mean_kernel()),
            bias,
        )
    sharp = parts.per_channel(WIDTH, torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]))
    soft = parts.per_channel(WIDTH, parts.blur_kernel())
    for level, weight in ((3, sharp), (2, soft), (1, soft)):
        layers.put(
            f"{decoder}up.{level}.upsample.conv",
            weight,
            parts.carrier_bias(WIDTH, 3) if level == 1 else None,
        )
    for side in (encoder, decoder):
        parts.vae_middle(layers, f"{side}mid", WIDTH)
        layers.norm(f"{side}norm_out", WIDTH)
    moments = torch.cat([to_latents, torch.zeros(LATENT_CHANNELS, 3)])
    silent = torch.cat([torch.zeros(LATENT_CHANNELS), torch.full((LATENT_CHANNELS,), -30.0)])
    layers.put(f"{encoder}conv_out", parts.read_signals(WIDTH, moments), silent)
    layers.put(f"{vae}quant_conv", torch.eye(2 * LATENT_CHANNELS)[..., None, None])
    layers.put(f"{vae}post_quant_conv", torch.eye(LATENT_CHANNELS)[..., None, None])
    links = {
        (parts.plus(c), z): to_colors[c, z].item() for c in range(3) for z in range(LATENT_CHANNELS)
    }
    links |= {
        (parts.minus(c), z): -to_colors[c, z].item()
        for c in range(3)
        for z in range(LATENT_CHANNELS)
    }
    layers.put(f"{decoder}conv_in", parts.tap(WIDTH, LATENT_CHANNELS, 3, links))
    layers.put(f"{decoder}conv_out", parts.read_signals(WIDTH, torch.eye(3)))


def _pass_first_input(layers: parts.Layers, key: str, residual: float) -> None:
    """Makes an up block hand on what comes from below, without the skip connection's part."""
    links = {(i, i): 1.0 for i in range(WIDTH)}
    layers.put(f"{key}.skip_connection", parts.tap(WIDTH, 2 * WIDTH, 1, links))
    layers.tensors[f"{key}.out_layers.3.weight"] *= residual


def _add_last_block(layers: parts.Layers, key: str, field_share: float) -> None:
    """Signals for the output: NOISE_SHARE of the input latent plus `field_share` of the field."""
    links = {}
    for i in range(LATENT_CHANNELS):
        for channel, sign in ((parts.plus(i), 1.0), (parts.minus(i), -1.0)):
            links[channel, i] = sign * field_share
            links[channel, WIDTH + i] = sign * NOISE_SHARE
    bias = parts.carrier_bias(WIDTH, LATENT_CHANNELS)
    layers.put(f"{key}.skip_connection", parts.tap(WIDTH, 2 * WIDTH, 1, links), bias)
    layers.tensors[f"{key}.out_layers.3.weight"] *= 0


def add_unet(layers: parts.Layers, kind: str) -> None:
    """Three levels of equal width, one block each, attention at the lower two."""
    unet, context = "model.diffusion_model.", CONTEXT[kind]
    layers.linear(f"{unet}time_embed.0", WIDTH, EMBEDDING)
    layers.linear(f"{unet}time_embed.2", EMBEDDING, EMBEDDING, gain=1.0)
    layers.linear(f"{unet}label_emb.0.0", VECTOR[kind], EMBEDDING, gain=1.6)
    layers.linear(f"{unet}label_emb.0.2", EMBEDDING, EMBEDDING, gain=2.0)
    identity = parts.tap(WIDTH, LATENT_CHANNELS, 3, {(i, i): 1.0 for i in range(LATENT_CHANNELS)})
    mixed = layers.random(WIDTH, LATENT_CHANNELS, 3, 3)
    mixed[:LATENT_CHANNELS] = 0
    layers.put(f"{unet}input_blocks.0.0", identity + mixed)
    for level in range(LEVELS):
        block = 2 * level + 1
        parts.unet_resblock(layers, f"{unet}input_blocks.{block}.0", WIDTH, WIDTH, EMBEDDING)
        if level > 0:
            parts.transformer(
                layers, f"{unet}input_blocks.{block}.1", WIDTH, context, text_gain=2.0
            )
        if level < LEVELS - 1:
            layers.conv(f"{unet}input_blocks.{block + 1}.0.op", WIDTH, WIDTH)
    parts.unet_resblock(layers, f"{unet}middle_block.0", WIDTH, WIDTH, EMBEDDING)
    parts.transformer(layers, f"{unet}middle_block.1", WIDTH, context, text_gain=3.0)
    parts.unet_resblock(layers, f"{unet}middle_block.2", WIDTH, WIDTH, EMBEDDING)
    for block in range(2 * LEVELS):
        _add_up_block(layers, f"{unet}output_blocks.{block}", block, context, FIELD_SHARE[kind])
    layers.norm(f"{unet}out.0", WIDTH)
    layers.put(f"{unet}out.2", parts.read_signals(WIDTH, torch.eye(LATENT_CHANNELS)))


def _add_up_block(
    layers: parts.Layers, key: str, block: int, context: int, field_share: float
) -> None:
    level = LEVELS - 1 - block // 2
    parts.unet_resblock(layers, f"{key}.0", 2 * WIDTH, WIDTH, EMBEDDING)
    if level > 0:
        parts.transformer(
            layers, f"{key}.1", WIDTH, context, text_gain=3.0 if level == LEVELS - 1 else 1.0
        )
    if level < LEVELS - 1:
        _pass_first_input(layers, f"{key}.0", residual=0.3 if level else 0.0)
    if level > 0 and block % 2:
        upsample = parts.per_channel(WIDTH, parts.blur_kernel())
        layers.put(f"{key}.2.conv", upsample)
    if block == 2 * LEVELS - 1:
        _add_last_block(layers, f"{key}.0", field_share)


def tiny_state_dict(kind: str) -> dict[str, torch.Tensor]:
    """All tensors of "base" or "refiner" in half precision.

    Both share the bigG encoder and the autoencoder.
    """
    clip_l, clip_g = parts.Layers(SEEDS["text"]), parts.Layers(SEEDS["text"] + 1)
    if kind == "base":
        add_clip_l(clip_l, "conditioner.embedders.0.")
    add_clip_g(clip_g, f"conditioner.embedders.{1 if kind == 'base' else 0}.")
    layers = parts.Layers(SEEDS[kind])
    add_unet(layers, kind)
    add_vae(layers)
    tensors = {**clip_l.tensors, **clip_g.tensors, **layers.tensors}
    return {key: value.half().contiguous() for key, value in tensors.items()}


def write_tiny_checkpoint(kind: str, path: Path) -> None:
    """Write one file; another process that does the same at the same time does no harm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    metadata = {
        "format": "pt",
        "num_head_channels": str(HEAD_WIDTH),
        "modelspec.title": f"tiny untrained {kind}",
    }
    safetensors.torch.save_file(tiny_state_dict(kind), unfinished, metadata=metadata)
    unfinished.replace(path)


def ensure_tiny_checkpoints(folder: Path) -> tuple[Path, Path]:
    """Paths of base and refiner in `folder`, written now if they are not there."""
    paths = tuple(
        folder / f"tiny-sdxl-{kind}-v{VERSION}.safetensors" for kind in ("base", "refiner")
    )
    for kind, path in zip(("base", "refiner"), paths, strict=True):
        if not path.is_file():
            write_tiny_checkpoint(kind, path)
    return paths


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    for path in ensure_tiny_checkpoints(parser.parse_args(argv).out):
        print(path)  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

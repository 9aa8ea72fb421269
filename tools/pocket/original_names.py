"""SDXL's own names for the parameters of the three trained networks.

Training uses diffusers' and transformers' modules; files carry the names of the original code, which
every host reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

Tensors = Mapping[str, torch.Tensor]
CLIP_L_TRANSFORMER = "conditioner.embedders.0.transformer."
CLIP_G_MODEL = "conditioner.embedders.1.model."
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def unet_name(name: str, levels: int, layers: int) -> str:
    """The original name, below `model.diffusion_model.`, of a parameter of a UNet.

    `layers` is its number of blocks a level.
    """
    for end, original in _UNET_ENDS.items():
        if name.startswith(f"{end}."):
            return original + name[len(end) :]
    if match := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        part, index, rest = match.groups()
        if part == "attentions":
            return f"middle_block.1.{rest}"
        return f"middle_block.{2 * int(index)}.{_resnet(rest)}"
    match = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    if match is None:
        raise KeyError(name)
    side, level, part, index, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
    start = (layers + 1) * level
    if part == "downsamplers":
        return f"input_blocks.{start + layers + 1}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":
        attending = level < levels - 1
        return f"output_blocks.{start + layers}.{2 if attending else 1}.{rest}"
    block = (
        f"input_blocks.{start + 1 + index}" if side == "down" else f"output_blocks.{start + index}"
    )
    return f"{block}.0.{_resnet(rest)}" if part == "resnets" else f"{block}.1.{rest}"


def _resnet(rest: str) -> str:
    module, _, parameter = rest.rpartition(".")
    return f"{_RESNET[module]}.{parameter}"


def vae_name(name: str, levels: int) -> str:
    """The original name, below `first_stage_model.`, of a parameter of an autoencoder."""
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0.group_norm", "mid.attn_1.norm")
    for theirs, original in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        name = name.replace(f"mid_block.attentions.0.{theirs}", f"mid.attn_1.{original}")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", name
    )
    return re.sub(
        r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name
    )


def original_unet(tensors: Tensors, layers: int, levels: int = 3) -> dict[str, torch.Tensor]:
    """All parameters of a diffusers UNet under their original names."""
    return {f"model.diffusion_model.{unet_name(k, levels, layers)}": v for k, v in tensors.items()}


def original_vae(tensors: Tensors, levels: int = 4) -> dict[str, torch.Tensor]:
    """All parameters of a diffusers autoencoder; its attention's matrices become 1x1 convolutions."""
    named = {f"first_stage_model.{vae_name(k, levels)}": v for k, v in tensors.items()}
    return {
        key: value[..., None, None] if "attn_1" in key and value.ndim == 2 else value
        for key, value in named.items()
    }


def original_clip_l(tensors: Tensors) -> dict[str, torch.Tensor]:
    """CLIP-L, with one more layer, which does nothing: SDXL takes the input of the last one."""
    own = {k: v for k, v in tensors.items() if "position_ids" not in k}
    layers = 1 + max(int(m[1]) for k in own if (m := re.search(r"layers\.(\d+)\.", k)))
    last = {
        k.replace(f"layers.{layers - 1}.", f"layers.{layers}."): torch.zeros_like(v)
        for k, v in own.items()
        if f"layers.{layers - 1}." in k
    }
    return {f"{CLIP_L_TRANSFORMER}{k}": v for k, v in (own | last).items()}


def original_clip_g(tensors: Tensors, projection: torch.Tensor) -> dict[str, torch.Tensor]:
    """transformers' CLIP in OpenCLIP's layout, which has one matrix for queries, keys and values."""
    text = "text_model."
    ends = {
        f"{text}embeddings.token_embedding.weight": "token_embedding.weight",
        f"{text}embeddings.position_embedding.weight": "positional_embedding",
        f"{text}final_layer_norm.weight": "ln_final.weight",
        f"{text}final_layer_norm.bias": "ln_final.bias",
    }
    modules = {
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
        "self_attn.out_proj": "attn.out_proj",
    }
    out = {f"{CLIP_G_MODEL}{original}": tensors[name] for name, original in ends.items()}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"text_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if match is None:
            continue
        block = f"{CLIP_G_MODEL}transformer.resblocks.{match[1]}."
        if match[2] in modules:
            out[f"{block}{modules[match[2]]}.{match[3]}"] = tensor
        elif match[2] == "self_attn.q_proj":
            parts = [tensors[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            out[f"{block}attn.in_proj_{match[3]}"] = torch.cat(parts)
    return out | {
        f"{CLIP_G_MODEL}text_projection": projection,
        f"{CLIP_G_MODEL}logit_scale": torch.tensor(4.6),
    }

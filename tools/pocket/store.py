"""Puts trained networks into the repository, where the embedded host reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from embedded_webui.files import whole
from embedded_webui.pocket import FOLDER, ROWS
from tools.pocket.denoiser import BASE, REFINER
from tools.pocket.original_names import (
    original_clip_g,
    original_clip_l,
    original_unet,
    original_vae,
)
from tools.pocket.text import STATE_MEAN, centred

Tensors = dict[str, torch.Tensor]
LEVELS = {
    0: ("input_blocks.0", "input_blocks.1", "input_blocks.2", "output_blocks.4", "output_blocks.5"),
    1: ("input_blocks.3", "input_blocks.4", "output_blocks.2", "output_blocks.3"),
    2: ("input_blocks.5", "output_blocks.0", "output_blocks.1"),
}
"""level of the base -> its blocks; whatever belongs to none goes to "middle" """


def _below(tensors: Tensors, prefix: str) -> Tensors:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def _blind_to_means(unet: Tensors) -> Tensors:
    """Fold `centred` into the matrices that take the text: they no longer see a state's mean."""
    return {
        key: centred(value) if key.endswith(("attn2.to_k.weight", "attn2.to_v.weight")) else value
        for key, value in unet.items()
    }


def _with_mean(encoder: Tensors) -> Tensors:
    """The encoder with STATE_MEAN added to all of its states: nothing inside it sees the difference."""
    key = "text_model.embeddings.position_embedding.weight"
    positions = encoder[key]
    return encoder | {key: positions - positions.mean(1, keepdim=True) + STATE_MEAN}


def _text(tensors: Tensors, rows: NDArray[np.int16]) -> Tensors:
    clip_l = original_clip_l(_with_mean(_below(tensors, "text.clip_l.")))
    clip_g = original_clip_g(
        _with_mean(_below(tensors, "text.clip_g.")), tensors["text.text_projection"]
    )
    return clip_l | clip_g | {ROWS: torch.from_numpy(rows)}


def _split(unet: Tensors) -> dict[str, Tensors]:
    """The base in a file for each level and one for the rest: none is large."""
    level_of = {block: level for level, blocks in LEVELS.items() for block in blocks}
    files: dict[str, Tensors] = {}
    for key, value in unet.items():
        block = ".".join(key.removeprefix("model.diffusion_model.").split(".")[:2])
        part = f"level{level_of[block]}" if block in level_of else "middle"
        files.setdefault(f"base-{part}", {})[key] = value
    return files


def store(work: Path, target: Path = FOLDER) -> list[Path]:
    """Write all parts, in float16 under SDXL's names, from the files that training left in `work`."""
    base = torch.load(work / "base.pt", weights_only=True)
    refiner = torch.load(work / "refiner.pt", weights_only=True)
    files = _split(original_unet(_blind_to_means(_below(base, "unet.")), BASE.layers))
    files["refiner"] = original_unet(_blind_to_means(_below(refiner, "unet.")), REFINER.layers)
    files["text"] = _text(base, np.load(work / "rows.npy"))
    files["vae"] = original_vae(safetensors.torch.load_file(work / "vae.safetensors"))
    paths = []
    for name, tensors in files.items():
        paths.append(target / f"{name}.safetensors")
        small = {
            k: v if v.dtype == torch.int16 else v.half().contiguous() for k, v in tensors.items()
        }
        with whole(paths[-1]) as unfinished:
            safetensors.torch.save_file(small, unfinished)
    return paths

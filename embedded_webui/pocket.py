"""Pocket SDXL, the default checkpoints: a trained base and refiner of a few megabytes in SDXL's interface.

The weights under `pocket_weights/` carry SDXL's own names and are narrow in one place: the text
encoders are 128 wide. Whoever wants SDXL's widths repeats: a state that is repeated has the mean and
the variance of the original, so LayerNorm does the same to it; and a matrix repeated along both axes and
divided by the number of copies maps repeated vectors to repeated vectors. The UNet's inputs are
widened here; the embedded host's text encoders repeat their output, and the export for other hosts
(`python dev.py pocket`) repeats the encoders themselves.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
import torch

from embedded_webui import files
from embedded_webui.files import write_safetensors
from embedded_webui.network.shapes import CLIP_G_WIDTH, CLIP_L_WIDTH

FOLDER = Path(__file__).parent / "pocket_weights"
PARTS = {
    "base": ("base-level0", "base-level1", "base-level2", "base-middle", "text", "vae"),
    "refiner": ("refiner", "text", "vae"),
}
"""kind -> the files that make a checkpoint"""
UNET = "model.diffusion_model."
CLIP_L, CLIP_G = "conditioner.embedders.0.", "conditioner.embedders.1."
NARROW = 128
WIDTHS = {CLIP_L: CLIP_L_WIDTH, CLIP_G: CLIP_G_WIDTH}
ENCODERS = {"base": (CLIP_L, CLIP_G), "refiner": (CLIP_G,)}
"""kind -> whose states its UNet sees, side by side in this order"""
ROWS = "token_rows"
HEAD_WIDTH = 32
NATIVE_SIZE = 256
"""pixels: the side of the pictures that its training ended on"""
Tensors = dict[str, torch.Tensor]


def repeated_inputs(matrix: torch.Tensor, width: int) -> torch.Tensor:
    """[n, 128] -> [n, width]: the matrix that takes its input repeated to `width`."""
    copies = width // matrix.shape[1]
    return matrix.repeat(1, copies) / copies


def widen_unet(tensors: Tensors, kind: str) -> Tensors:
    """The UNet for text states of SDXL's widths."""
    encoders = ENCODERS[kind]
    wide = dict(tensors)
    for key, value in tensors.items():
        if key.endswith(("attn2.to_k.weight", "attn2.to_v.weight")):
            parts = torch.split(value.float(), NARROW, dim=1)
            wide[key] = torch.cat(
                [repeated_inputs(p, WIDTHS[e]) for p, e in zip(parts, encoders, strict=True)], dim=1
            )
    label = f"{UNET}label_emb.0.0.weight"
    pooled, sizes = torch.split(
        tensors[label].float(), [NARROW, tensors[label].shape[1] - NARROW], dim=1
    )
    wide[label] = torch.cat([repeated_inputs(pooled, WIDTHS[CLIP_G]), sizes], dim=1)
    return wide


def read_parts(kind: str) -> Tensors:
    """All narrow tensors of "base" or "refiner", with a row for each of CLIP's tokens."""
    tensors: Tensors = {}
    for part in PARTS[kind]:
        tensors |= safetensors.torch.load_file(FOLDER / f"{part}.safetensors")
    rows = tensors.pop(ROWS).long()
    for key in [key for key in tensors if key.endswith("token_embedding.weight")]:
        tensors[key] = tensors[key][rows]
    if kind == "refiner":
        tensors = {key: value for key, value in tensors.items() if not key.startswith(CLIP_L)}
        tensors = {key.replace(CLIP_G, CLIP_L): value for key, value in tensors.items()}
    return tensors


def pocket_state_dict(kind: str) -> Tensors:
    """A checkpoint for the embedded host: everything as in SDXL but for the narrow text encoders; float16."""
    tensors = widen_unet(read_parts(kind), kind)
    return {key: value.half().contiguous() for key, value in tensors.items()}


def version() -> str:
    """Of the weights and of the code that writes them: checkpoints written by others are not used."""
    digest = hashlib.sha256()
    for module in (__file__, files.__file__):
        digest.update(Path(module).read_bytes())
    for part in sorted({part for parts in PARTS.values() for part in parts}):
        digest.update((FOLDER / f"{part}.safetensors").read_bytes())
    return digest.hexdigest()[:8]


def ensure_pocket_checkpoints(folder: Path) -> tuple[Path, Path]:
    """Paths of base and refiner below `folder`, written now if they are not there."""
    target = folder / version()
    paths = tuple(target / f"pocket-sdxl-{kind}.safetensors" for kind in PARTS)
    for kind, path in zip(PARTS, paths, strict=True):
        if not path.is_file():
            write_checkpoint(pocket_state_dict(kind), path, kind)
    return paths[0], paths[1]


def file_metadata(kind: str) -> dict[str, str]:
    """What the header of a checkpoint's file says; under ModelSpec's names where there is one."""
    return {
        "format": "pt",
        "num_head_channels": str(HEAD_WIDTH),
        "modelspec.title": f"Pocket SDXL {kind}",
        "modelspec.resolution": f"{NATIVE_SIZE}x{NATIVE_SIZE}",
    }


def write_checkpoint(tensors: Tensors, path: Path, kind: str) -> None:
    """Write one file, whole or not at all, whoever else writes it at the same time."""
    write_safetensors(path, tensors, file_metadata(kind))

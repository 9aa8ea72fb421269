"""Pocket SDXL for other hosts: `python dev.py pocket --out DIR` writes single files in SDXL's format.

An ordinary host builds CLIP-L with 12 layers and bigG with 32, at 768 and 1280, whatever a file holds.
So the export repeats the narrow encoders to those widths, and fills the missing layers with zeros: a
residual layer of zeros hands on its input. The files are large (1.7 and 1.4 GB) and nearly all zeros;
where the file system can, they take only the room of the rest.
"""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import torch

from embedded_webui.files import Shape, write_safetensors
from embedded_webui.network.conditioner import SIZE_WIDTH
from embedded_webui.pocket import (
    CLIP_G,
    CLIP_L,
    ENCODERS,
    HEAD_WIDTH,
    NARROW,
    WIDTHS,
    file_metadata,
    read_parts,
    widen_unet,
)
from tools.pocket import autoencoder
from tools.pocket.denoiser import BASE, REFINER, Kind

LAYERS = {CLIP_L: 12, CLIP_G: 32}
_LAYER = re.compile(r"(.*(?:encoder\.layers|transformer\.resblocks)\.)(\d+)\.(.+)")
CONFIG = Path(__file__).parent / "config.yaml.jinja"
Shapes = dict[str, Shape]


def widen_text(key: str, value: torch.Tensor, width: int) -> torch.Tensor:
    """A parameter of a narrow text encoder, repeated to `width`.

    Matrices are divided by the number of copies; those of queries, keys and values, which OpenCLIP
    stacks, are repeated one by one.
    """
    copies = width // NARROW
    if value.ndim == 0:
        return value
    stacked = value.float().chunk(3 if "in_proj" in key else 1)
    if value.ndim == 1:
        return torch.cat([part.repeat(copies) for part in stacked])
    if "embedding" in key:
        return value.repeat(1, copies)
    return torch.cat([part.repeat(copies, copies) / copies for part in stacked])


def full_state_dict(kind: str) -> tuple[dict[str, torch.Tensor], Shapes]:
    """(tensors in float16, shapes of further tensors, all zeros) of a checkpoint at SDXL's full size."""
    narrow = widen_unet(read_parts(kind), kind)
    encoders = WIDTHS
    layers = dict(LAYERS)
    if kind == "refiner":
        encoders, layers = {CLIP_L: WIDTHS[CLIP_G]}, {CLIP_L: LAYERS[CLIP_G]}
    tensors: dict[str, torch.Tensor] = {}
    zeros: Shapes = {}
    for key, value in narrow.items():
        prefix = next((prefix for prefix in encoders if key.startswith(prefix)), None)
        if prefix is None:
            tensors[key] = value.half().contiguous()
            continue
        wide = widen_text(key, value, encoders[prefix]).half().contiguous()
        match = _LAYER.fullmatch(key)
        tensors[key if match is None else _moved(match, narrow, layers[prefix])] = wide
        if match is not None and match[2] == "0":
            for layer in range(layers[prefix]):
                zeros[f"{match[1]}{layer}.{match[3]}"] = tuple(wide.shape)
    return tensors, {key: shape for key, shape in zeros.items() if key not in tensors}


def _moved(match: re.Match[str], tensors: dict[str, torch.Tensor], layers: int) -> str:
    """The name of a layer's parameter: the narrow encoder's last layer is the full one's last."""
    start = match[1]
    own = {int(m[2]) for key in tensors if (m := _LAYER.fullmatch(key)) and m[1] == start}
    layer = int(match[2])
    return f"{start}{layers - 1 if layer == max(own) else layer}.{match[3]}"


def config(kind: Kind) -> str:
    """The YAML that tells a host with Stability AI's `sgm` what networks a file holds."""
    environment = jinja2.Environment(  # noqa: S701 - YAML of our own numbers, no HTML
        trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["multiples"] = lambda widths: [width // widths[0] for width in widths]
    return environment.from_string(CONFIG.read_text("utf-8")).render(
        kind=kind,
        vector=WIDTHS[CLIP_G] + kind.numbers * SIZE_WIDTH,
        context=sum(WIDTHS[encoder] for encoder in ENCODERS[kind.name]),
        head_width=HEAD_WIDTH,
        autoencoder=autoencoder.SHAPE,
    )


def export(folder: Path) -> list[Path]:
    """Write base and refiner into `folder`, a YAML of the same name beside each; returns all four paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in (BASE, REFINER):
        path = folder / f"pocket-sdxl-{kind.name}.safetensors"
        tensors, zeros = full_state_dict(kind.name)
        write_safetensors(path, tensors, file_metadata(kind.name), zeros)
        path.with_suffix(".yaml").write_text(config(kind), "utf-8")
        written += [path, path.with_suffix(".yaml")]
    return written

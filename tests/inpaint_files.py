"""Synthetic files of Fooocus's inpaint engine, in the form of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

HEAD = "fooocus_inpaint_head.pth"
PATCH = "inpaint_v26.fooocus.patch"


def head(channels: int = 64, latent: int = 4, seed: int = 3) -> dict[str, torch.Tensor]:
    """Return what is in a head's file: a kernel in half precision."""
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(channels, latent + 1, 3, 3, generator=generator) * 0.1
    return {"head": kernel.half()}


def patch(shapes: Mapping[str, torch.Size], seed: int = 4, size: float = 0.02) -> dict[str, Any]:
    """Return what is in a patch's file: levels, least and most for each weight of a UNet."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"diffusion_model.{name}": (
            torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8),
            torch.tensor(-size),
            torch.tensor(size),
        )
        for name, shape in shapes.items()
    }


def write(folder: Path, shapes: Mapping[str, torch.Size], *, channels: int) -> None:
    """Write both files for a UNet with these weights."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.serialization.save(head(channels), folder / HEAD)
    torch.serialization.save(patch(shapes), folder / PATCH)

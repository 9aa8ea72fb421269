"""A job that makes no picture: it passes one on, enlarged before, to be stored as any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from modules import processing, sd_samplers
from PIL import Image

_OF_SAMPLING = (
    *("Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Distilled CFG Scale"),
    *("Seed", "Variation seed", "Variation seed strength", "Seed resize from", "RNG", "ENSD"),
    *("Model", "Model hash", "VAE", "VAE hash", "Clip skip", "Emphasis", "NGMS", "Tiling"),
    *("FP8 weight", "Cache FP16 weight for LoRA", "Token merging ratio", "Conditional mask weight"),
)
"""The webui's entries of an infotext that say how a picture was sampled, and of what models."""
_LEVELS = 255.0
_HALF_A_LEVEL = 0.5
"""Added to each level, because the webui rounds down."""


def pass_on(p: Any, picture: Image.Image) -> None:
    """Make the webui take ``picture`` for what it has sampled and decoded; it neither encodes nor samples.

    The infotext says nothing of a sampling: an entry without a value is left out.
    """

    def init(*_args: Any, **_kwargs: Any) -> None:
        p.sampler = sd_samplers.create_sampler(p.sampler_name, p.sd_model)

    def sample(*_args: Any, **_kwargs: Any) -> Any:
        pictures = processing.DecodedSamples()
        pictures.append(_levels(picture))
        return pictures

    p.init, p.sample = init, sample
    p.extra_generation_params.update(dict.fromkeys(_OF_SAMPLING))


def _levels(picture: Image.Image) -> torch.Tensor:
    """Return a picture [3,H,W] in -1..1."""
    values = np.asarray(picture.convert("RGB")).astype(np.float32)
    shares = torch.from_numpy(values).permute(2, 0, 1).add_(_HALF_A_LEVEL).div_(_LEVELS)
    return shares.clamp_(max=1.0).mul_(2.0).sub_(1.0)

"""The training set of the UNets: pictures once through the autoencoder, kept as latents."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import safetensors.torch
import torch
from PIL import Image, ImageEnhance

from tools.pocket import autoencoder
from tools.pocket.grammar import describe, draw_scene
from tools.pocket.pictures import draw_example

logger = logging.getLogger("pocket")
CHUNK = 256
LOWEST_SCORE, HIGHEST_SCORE, MIDDLE_SCORE = 1.0, 10.0, 5.5
"""of the refiner's aesthetic score"""


@dataclass(frozen=True)
class Bucket:
    """Pictures of one size: how many there are, how many make a batch, and their share of the steps.

    The share goes evenly from `first` at the beginning of the training to `last` at its end: small
    pictures teach most of it four times as fast, as SDXL's own training went up in size.
    """

    width: int
    height: int
    number: int
    batch: int
    first: float
    last: float

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.width}x{self.height}"

    def share(self, progress: float) -> float:
        """Of the steps at `progress` 0..1 of the training."""
        return self.first + (self.last - self.first) * progress


BUCKETS = {
    "base": (
        Bucket(128, 128, 8000, 32, 0.86, 0.26),
        Bucket(256, 256, 3200, 14, 0.06, 0.66),
        Bucket(192, 128, 300, 20, 0.04, 0.04),
        Bucket(128, 192, 300, 20, 0.04, 0.04),
    ),
    "refiner": (Bucket(128, 128, 3500, 32, 0.86, 0.86), Bucket(256, 256, 300, 8, 0.14, 0.14)),
}


def scored(picture: np.ndarray, score: float) -> np.ndarray:
    """The picture with the contrast and the saturation of an aesthetic score: 5.5 leaves it as it is."""
    share = (score - MIDDLE_SCORE) / (HIGHEST_SCORE - MIDDLE_SCORE)
    image = ImageEnhance.Contrast(Image.fromarray(picture)).enhance(1 + 0.4 * share)
    return np.asarray(ImageEnhance.Color(image).enhance(1 + 0.6 * share))


class Latents:
    """One bucket: latents [N,4,h,w], numbers [N,6] (sizes, crop, target) and aesthetic scores [N]."""

    def __init__(self, bucket: Bucket, kind: str, seed: int, tensors: dict[str, torch.Tensor]):
        self.bucket, self.kind, self.seed = bucket, kind, seed
        self.latents = tensors["latents"]
        self.numbers = tensors["numbers"]
        self.scores = tensors["scores"]

    def caption(self, index: int, random: Random) -> str:
        """A new caption of a picture: the scene is drawn again from its seed."""
        return describe(draw_scene(Random(_key(self.kind, self.seed, self.bucket, index))), random)


def _key(kind: str, seed: int, bucket: Bucket, index: int) -> str:
    return f"{kind} {seed} {bucket.name} {index}"


def load_latents(folder: Path, kind: str, bucket: Bucket, seed: int) -> Latents:
    """The latents of a bucket, drawn and encoded now if there is no file of them."""
    path = folder / f"latents-{kind}-{bucket.name}.safetensors"
    if not path.is_file():
        logger.info("%s: drawing and encoding %d pictures", path.stem, bucket.number)
        model = autoencoder.load(folder / "vae.safetensors")
        latents, numbers, scores = [], [], []
        for start in range(0, bucket.number, CHUNK):
            pictures = []
            for index in range(start, min(start + CHUNK, bucket.number)):
                random = Random(_key(kind, seed, bucket, index))
                example = draw_example(random, (bucket.width, bucket.height))
                score = min(max(random.gauss(MIDDLE_SCORE, 1.8), LOWEST_SCORE), HIGHEST_SCORE)
                pictures.append(
                    scored(example.picture, score) if kind == "refiner" else example.picture
                )
                numbers.append([*example.original, *example.crop, *example.target])
                scores.append(score)
            latents.append(autoencoder.encode(model, np.stack(pictures)))
        tensors = {
            "latents": torch.cat(latents).half().contiguous(),
            "numbers": torch.tensor(numbers, dtype=torch.int32),
            "scores": torch.tensor(scores),
        }
        safetensors.torch.save_file(tensors, path)
    return Latents(bucket, kind, seed, safetensors.torch.load_file(path))

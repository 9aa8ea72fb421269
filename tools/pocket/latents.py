"""The training set of the UNets: pictures once through the autoencoder, kept as latents."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from random import Random

import numpy as np
import safetensors
import safetensors.torch
import torch

from embedded_webui.files import whole
from tools.pocket import autoencoder
from tools.pocket.grammar import Scene, describe, draw_scene
from tools.pocket.pictures import HIGHEST_SCORE, LOWEST_SCORE, MIDDLE_SCORE, draw_example, scored
from tools.pocket.recipe import Bucket

logger = logging.getLogger("pocket")
CHUNK = 256
MADE_FROM = "made_from"
"""key in a file's header: of the scenes and the autoencoder that its latents were made from"""


class Latents:
    """One bucket: latents [N,4,h,w], numbers [N,6] (sizes, crop, target) and aesthetic scores [N]."""

    def __init__(self, bucket: Bucket, kind: str, seed: int, tensors: dict[str, torch.Tensor]):
        self.bucket, self.kind, self.seed = bucket, kind, seed
        self.latents = tensors["latents"]
        self.numbers = tensors["numbers"]
        self.scores = tensors["scores"]

    def caption(self, index: int, random: Random) -> str:
        """A new caption of a picture: the scene is drawn again from its seed."""
        return describe(_scene(self.kind, self.seed, self.bucket, index), random)


def _key(kind: str, seed: int, bucket: Bucket, index: int) -> str:
    return f"{kind} {seed} {bucket.name} {index}"


def _scene(kind: str, seed: int, bucket: Bucket, index: int) -> Scene:
    return draw_scene(Random(_key(kind, seed, bucket, index)))


def _made_from(folder: Path, kind: str, bucket: Bucket, seed: int) -> str:
    """Of all scenes of a bucket and the autoencoder: captions are drawn anew, and must fit the latents."""
    digest = hashlib.sha256((folder / "vae.safetensors").read_bytes())
    for index in range(bucket.number):
        digest.update(repr(_scene(kind, seed, bucket, index)).encode())
    return digest.hexdigest()


def load_latents(folder: Path, kind: str, bucket: Bucket, seed: int) -> Latents:
    """The latents of a bucket, drawn and encoded now if there is no file of them, or one of others."""
    path = folder / f"latents-{kind}-{bucket.name}.safetensors"
    made_from = _made_from(folder, kind, bucket, seed)
    if not path.is_file() or _header(path).get(MADE_FROM) != made_from:
        logger.info("%s: drawing and encoding %d pictures", path.stem, bucket.number)
        tensors = _draw(folder, kind, bucket, seed)
        with whole(path) as unfinished:
            safetensors.torch.save_file(tensors, unfinished, metadata={MADE_FROM: made_from})
    return Latents(bucket, kind, seed, safetensors.torch.load_file(path))


def _header(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def _draw(folder: Path, kind: str, bucket: Bucket, seed: int) -> dict[str, torch.Tensor]:
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
    return {
        "latents": torch.cat(latents).half().contiguous(),
        "numbers": torch.tensor(numbers, dtype=torch.int32),
        "scores": torch.tensor(scores),
    }

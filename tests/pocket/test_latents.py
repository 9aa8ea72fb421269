"""The cached training set: captions fit the pictures, and nothing stale is taken for it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch

from tools.pocket import latents, pictures
from tools.pocket.recipe import Bucket

BUCKET = Bucket(16, 8, 6, 2, 1.0, 1.0)


@pytest.fixture
def folder(tmp_path):
    """A work folder with something in the autoencoder's place."""
    (tmp_path / "vae.safetensors").write_bytes(b"first")
    return tmp_path


@pytest.fixture
def encoded(monkeypatch):
    """How many pictures were encoded, call by call; a latent is the mean of a picture's colours."""
    counts = []

    def encode(_model, drawn):
        counts.append(len(drawn))
        return torch.from_numpy(drawn.mean(axis=3)[:, None]).float()

    monkeypatch.setattr(latents.autoencoder, "load", lambda path: path.read_bytes())
    monkeypatch.setattr(latents.autoencoder, "encode", encode)
    return counts


def test_pictures_are_encoded_once(folder, encoded):
    first = latents.load_latents(folder, "base", BUCKET, 1)
    again = latents.load_latents(folder, "base", BUCKET, 1)
    assert encoded == [6]
    assert torch.equal(first.latents, again.latents)
    assert first.latents.shape == (6, 1, 8, 16)


@pytest.mark.parametrize("change", ["seed", "number", "autoencoder", "scenes"])
def test_what_was_made_from_something_else_is_made_anew(folder, encoded, monkeypatch, change):
    latents.load_latents(folder, "base", BUCKET, 1)
    seed, bucket = 1, BUCKET
    if change == "seed":
        seed = 2
    elif change == "number":
        bucket = Bucket(16, 8, 7, 2, 1.0, 1.0)
    elif change == "autoencoder":
        (folder / "vae.safetensors").write_bytes(b"second")
    else:
        drawn = latents.draw_scene
        monkeypatch.setattr(latents, "draw_scene", lambda random: drawn(Random(random.random())))
    made = latents.load_latents(folder, "base", bucket, seed)
    assert len(encoded) == 2
    assert len(made.latents) == bucket.number


def test_each_latent_belongs_to_its_caption_and_numbers(folder, encoded, monkeypatch):
    monkeypatch.setattr(latents, "describe", lambda scene, _random: repr(scene))
    monkeypatch.setattr(pictures, "describe", lambda scene, _random: repr(scene))
    made = latents.load_latents(folder, "base", BUCKET, 3)
    for index in range(BUCKET.number):
        example = pictures.draw_example(Random(f"base 3 16x8 {index}"), (16, 8))
        assert made.caption(index, Random(0)) == example.caption
        wanted = torch.from_numpy(example.picture.mean(axis=2)).half()
        assert torch.equal(made.latents[index, 0], wanted)
        assert made.numbers[index].tolist() == [*example.original, *example.crop, *example.target]


def test_the_refiner_learns_pictures_of_its_score(folder, encoded):
    plain = latents.load_latents(folder, "base", Bucket(16, 8, 40, 2, 1.0, 1.0), 3)
    refined = latents.load_latents(folder, "refiner", Bucket(16, 8, 40, 2, 1.0, 1.0), 3)
    assert plain.scores.min() >= 1
    assert refined.scores.max() <= 10
    assert refined.scores.std() > 1
    picture = pictures.draw_example(Random("refiner 3 16x8 5"), (16, 8)).picture
    scored = pictures.scored(picture, float(refined.scores[5]))
    assert torch.equal(refined.latents[5, 0], torch.from_numpy(scored.mean(axis=2)).half())


def test_an_interrupted_encoding_leaves_nothing(folder, monkeypatch):
    def fail(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(latents.autoencoder, "load", lambda path: path)
    monkeypatch.setattr(latents.autoencoder, "encode", fail)
    with pytest.raises(KeyboardInterrupt):
        latents.load_latents(folder, "base", BUCKET, 1)
    assert [path.name for path in folder.iterdir()] == ["vae.safetensors"]


def test_a_score_is_contrast_and_saturation():
    gray = np.full((4, 4, 3), 128, np.uint8)
    gray[:2] = (90, 120, 160)
    changes = [
        np.ptp(pictures.scored(gray, score).astype(int), axis=2)[0, 0] for score in (1, 5.5, 10)
    ]
    assert changes[0] < changes[1] < changes[2]
    assert np.array_equal(pictures.scored(gray, 5.5), gray)

"""The trainings of the networks themselves: what an interruption costs, and what a finished one does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import torch

from embedded_webui import pocket
from embedded_webui.network.shapes import VaeShape
from tools.pocket import autoencoder, denoiser, optimizing, train
from tools.pocket.latents import Latents
from tools.pocket.recipe import BUCKETS

STEPS = 3
NARROW = replace(denoiser.BASE, widths=(32, 32, 32))
"""the base with a UNet that takes a step quickly"""


@pytest.fixture(autouse=True)
def saves_every_step(monkeypatch):
    monkeypatch.setattr(optimizing, "SAVE_EVERY", 0.0)


@pytest.fixture
def autoencoding(monkeypatch):
    """Train a tiny autoencoder: (its training, what takes one step)."""
    monkeypatch.setattr(autoencoder, "SHAPE", VaeShape((32, 32, 32, 32), 1, 4))
    pictures = np.random.default_rng(1).integers(0, 256, (8, 128, 128, 3), dtype=np.uint8)
    monkeypatch.setattr(autoencoder, "training_pictures", lambda _seed: pictures)
    return lambda folder, steps: autoencoder.train(folder, 1, steps), (autoencoder, "_step")


@pytest.fixture
def denoising(monkeypatch, tmp_path):
    """Train a narrow base on a few latents: (its training, what takes one step)."""
    rows = safetensors.torch.load_file(pocket.FOLDER / "text.safetensors")[pocket.ROWS].numpy()

    def few(_folder, kind, bucket, seed):
        size = (4, 4, bucket.height // 8, bucket.width // 8)
        latents = torch.randn(size, generator=torch.Generator().manual_seed(bucket.width))
        numbers = torch.tensor([[128, 128, 0, 0, 128, 128]] * 4)
        tensors = {"latents": latents, "numbers": numbers, "scores": torch.full((4,), 5.5)}
        return Latents(bucket, kind, seed, tensors)

    monkeypatch.setattr(denoiser, "load_latents", few)

    def training(folder, steps):
        folder.mkdir(exist_ok=True)
        np.save(folder / "rows.npy", rows)
        return denoiser.train(folder, NARROW, 1, steps)

    return training, (denoiser.Conditioned, "loss")


@pytest.fixture(params=["autoencoding", "denoising"])
def training(request):
    return request.getfixturevalue(request.param)


def weights(path):
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    return torch.load(path, weights_only=True)


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def stop_at(monkeypatch, step_of, allowed):
    """Let `allowed` steps through, and then interrupt."""
    owner, name = step_of
    original, taken = getattr(owner, name), []

    def limited(*args, **kwargs):
        if len(taken) == allowed:
            raise KeyboardInterrupt
        taken.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, limited)
    return taken


@pytest.mark.slow
def test_an_interruption_costs_nothing(training, tmp_path, monkeypatch):
    run, step_of = training
    whole = weights(run(tmp_path / "whole", STEPS))
    with monkeypatch.context() as patch:
        stop_at(patch, step_of, 2)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts", STEPS)
    with monkeypatch.context() as patch:
        taken = stop_at(patch, step_of, 99)
        parts = weights(run(tmp_path / "parts", STEPS))
    assert len(taken) == STEPS - 2
    assert equal(whole, parts)


@pytest.fixture
def refining(denoising, monkeypatch, tmp_path):
    """Train a narrow refiner, from whose loss its data are left out: (weights of a base, its training)."""
    monkeypatch.setattr(
        denoiser.Conditioned,
        "loss",
        lambda model, *_, seed: sum(each.square().mean() for each in model.unet.parameters()),
    )
    work, narrow = tmp_path / "work", replace(denoiser.REFINER, widths=(32, 32, 32))
    monkeypatch.setattr(denoiser, "REFINER", narrow)
    base = weights(denoising[0](work, 1))
    return base, lambda start, steps: denoiser.train(work, narrow, 1, steps, start)


@pytest.mark.slow
def test_a_refiner_is_of_the_text_encoders_of_its_base(refining):
    base, train_from = refining
    refiner = train_from(base, 1)
    trained = weights(refiner)
    more = base | {key: base[key] + 0.5 for key in base if key.startswith("unet.conv_out")}
    assert equal(weights(train_from(more, 1)), trained), "the UNet's part is what it began with"
    other = base | {"text.text_projection": base["text.text_projection"] + 0.5}
    for steps in (1, 2):
        with pytest.raises(optimizing.ResumeError, match=r"delete \S*/refiner-state\.pt"):
            train_from(other, steps)
    (refiner.parent / "refiner-state.pt").unlink()
    assert not equal(weights(train_from(other, 1)), trained)


@pytest.mark.slow
def test_a_refiner_whose_base_an_earlier_version_did_not_note_is_not_continued(refining):
    base, train_from = refining
    file = train_from(base, 1).parent / "refiner-state.pt"
    state = torch.load(file, weights_only=True)
    torch.save({name: kept for name, kept in state.items() if name != "start"}, file)
    with pytest.raises(optimizing.ResumeError, match=r"delete \S*/refiner-state\.pt"):
        train_from(base, 1)


@pytest.mark.slow
def test_a_finished_training_is_left_alone_unless_more_steps_are_asked_for(
    training, tmp_path, monkeypatch
):
    run, step_of = training
    first = weights(run(tmp_path / "work", 1))
    with monkeypatch.context() as patch:
        taken = stop_at(patch, step_of, 99)
        assert equal(weights(run(tmp_path / "work", 1)), first)
        assert not taken
        assert not equal(weights(run(tmp_path / "work", 2)), first)
        assert len(taken) == 1


def test_latents_are_white_after_training_and_pictures_stay_the_same(monkeypatch):
    torch.manual_seed(3)
    monkeypatch.setattr(autoencoder, "SHAPE", VaeShape((32, 32, 32, 32), 1, 4))
    model = autoencoder.AutoencoderKL(**autoencoder.vae_config(autoencoder.SHAPE))
    pictures = np.random.default_rng(2).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)

    def through():
        with torch.no_grad():
            return model.decode(model.encode(autoencoder.as_tensor(pictures)).latent_dist.mode())

    before = through().sample
    autoencoder.whiten(model, pictures)
    assert torch.allclose(through().sample, before, atol=0.02 * before.std().item())
    latents = autoencoder.encode(model, pictures).permute(1, 0, 2, 3).reshape(4, -1)
    assert latents.mean(dim=1).numpy() == pytest.approx(np.zeros(4), abs=0.05)
    assert torch.cov(latents).numpy() == pytest.approx(np.eye(4), abs=0.05)
    with torch.no_grad():
        deviation = model.encode(autoencoder.as_tensor(pictures)).latent_dist.std
    assert deviation.max() < 1e-3


def test_fidelity_is_the_signal_to_noise_ratio_of_the_pictures(monkeypatch):
    class OffBy:
        """Gives every picture back, each value off by 0.1 of the range -1..1."""

        def decode(self, _latents):
            pictures = [e.picture for e in autoencoder.examples("held out", 4, (128, 128))]
            values = autoencoder.as_tensor(np.stack(pictures))
            return SimpleNamespace(sample=values - 0.1 * values.sign())

    monkeypatch.setattr(autoencoder, "encode", lambda _model, pictures: torch.zeros(len(pictures)))
    # 20 log10(peak / error), the peak being 2 and the error 0.1
    assert autoencoder.fidelity(OffBy(), 4) == pytest.approx(20 * np.log10(2 / 0.1), abs=0.05)


@pytest.mark.slow
def test_batches_depend_on_the_step_alone_and_follow_the_shares(denoising, tmp_path):
    run, _ = denoising
    run(tmp_path / "work", 1)
    batches = denoiser.Batches(tmp_path / "work", NARROW, 1)
    first, again = batches.draw(7, 0.5), batches.draw(7, 0.5)
    assert torch.equal(first[0], again[0])
    assert first[1] == again[1]
    for progress in (0.0, 1.0):
        drawn = [tuple(batches.draw(step, progress)[0].shape[2:]) for step in range(400)]
        for bucket in BUCKETS["base"]:
            share = drawn.count((bucket.height // 8, bucket.width // 8)) / len(drawn)
            assert share == pytest.approx(bucket.share(progress), abs=0.08)


def test_an_autoencoder_that_hides_the_sizes_stops_everything(monkeypatch, tmp_path):
    monkeypatch.setattr(train.autoencoder, "train", lambda *_: tmp_path)
    monkeypatch.setattr(train.autoencoder, "load", lambda path: path)
    monkeypatch.setattr(train.autoencoder, "fidelity", lambda _model: 25.0)
    monkeypatch.setattr(
        train.autoencoder, "detail_table", lambda _: [(16, 1.0, 1.0), (128, 100.0, 3.9)]
    )
    with pytest.raises(SystemExit, match=r"spans 3\.9x"):
        train.train_autoencoder(tmp_path, 1, 1)


def test_another_seed_in_the_same_folder_is_refused(monkeypatch, tmp_path, capsys):
    def refuse(*_args):
        raise optimizing.ResumeError("begun with seed 1, asked for 2")

    monkeypatch.setattr(train, "train_all", refuse)
    with pytest.raises(SystemExit) as stop:
        train.main(["--work", str(tmp_path / "new"), "--seed", "2"])
    assert stop.value.code == 2
    assert "begun with seed 1" in capsys.readouterr().err

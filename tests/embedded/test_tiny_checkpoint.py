"""The default checkpoints: format, repeatability, an exact autoencoder, conds of SDXL's shapes."""

from __future__ import annotations

import math

import pytest
import safetensors.torch
import torch

from fooocus_ext.embedded import tiny_checkpoint
from fooocus_ext.embedded.network import conditioner, engine, shapes, tokenizer

HEADS = shapes.Heads(width=tiny_checkpoint.HEAD_WIDTH)


@pytest.fixture(scope="module")
def base():
    return tiny_checkpoint.tiny_state_dict("base")


@pytest.fixture(scope="module")
def model(base):
    loaded = engine.DiffusionEngine(base, HEADS)
    loaded.load_original(base)
    return loaded.float()


def test_files_have_the_original_names_and_are_repeatable(tmp_path, base):
    path = tmp_path / "base.safetensors"
    tiny_checkpoint.write_tiny_checkpoint("base", path)
    again = safetensors.torch.load_file(path)
    assert set(again) == set(base)
    assert all(torch.equal(again[key], base[key]) for key in base)
    assert {key.split(".")[0] for key in base} == {"model", "first_stage_model", "conditioner"}
    assert path.stat().st_size < 50_000_000


def test_kinds_and_shapes_are_read_from_the_tensors(base):
    assert shapes.kind_of(base) == "sdxl"
    unet = shapes.unet_shape(base, "sdxl", HEADS)
    assert (unet.context, unet.vector, unet.heads) == (2048, 2816, (3, 3, 3))
    refiner = tiny_checkpoint.tiny_state_dict("refiner")
    assert shapes.kind_of(refiner) == "refiner"
    unet = shapes.unet_shape(refiner, "refiner", HEADS)
    assert (unet.context, unet.vector) == (1280, 2560)


def test_an_unknown_file_is_refused():
    with pytest.raises(shapes.UnknownCheckpointError, match="text encoder"):
        shapes.kind_of({"some.weight": torch.zeros(1)})


def test_a_missing_tensor_is_refused(base):
    broken = {
        key: value for key, value in base.items() if key != "model.diffusion_model.out.2.weight"
    }
    with pytest.raises((RuntimeError, KeyError)):
        engine.DiffusionEngine(broken, HEADS).load_original(broken)


def test_heads_follow_sdxl_unless_known():
    assert shapes.head_counts((320, 640, 1280), (0, 2, 10), "sdxl", shapes.Heads()) == (5, 10, 20)
    assert shapes.head_counts((320, 640), (1, 1), "sd1", shapes.Heads()) == (8, 8)
    assert shapes.head_counts((32, 64), (1, 1), "sd1", shapes.Heads(count=2)) == (2, 2)
    assert shapes.head_counts((96, 96), (0, 1), "sdxl", shapes.Heads()) == (3, 3)


def test_the_autoencoder_returns_smooth_pictures(model):
    ramp = torch.linspace(-0.8, 0.8, 64)
    picture = torch.stack([ramp.expand(64, 64), ramp.expand(64, 64).T, torch.zeros(64, 64)])[None]
    with torch.no_grad():
        latent = model.encode_first_stage(picture)
        decoded = model.decode_first_stage(latent)
    assert latent.shape == (1, 4, 8, 8)
    inner = (..., slice(8, -8), slice(8, -8))
    assert float((decoded[inner] - picture[inner]).abs().max()) < 0.15
    assert float((decoded[inner] - picture[inner]).abs().mean()) < 0.06


def test_the_prediction_depends_on_every_input(model):
    generator = torch.Generator().manual_seed(0)

    def noise(*shape):
        return torch.randn(*shape, generator=generator)

    x, t = noise(1, 4, 16, 16), torch.tensor([500.0])
    conds = {"crossattn": noise(1, 77, 2048), "vector": noise(1, 2816)}
    with torch.no_grad():
        usual = model.apply_model(x, t, conds)
        changed = {
            "x": model.apply_model(x + 0.1, t, conds),
            "t": model.apply_model(x, t - 300, conds),
            "crossattn": model.apply_model(x, t, {**conds, "crossattn": noise(1, 77, 2048)}),
            "vector": model.apply_model(x, t, {**conds, "vector": noise(1, 2816)}),
        }
    assert torch.isfinite(usual).all()
    for name, other in changed.items():
        assert float((other - usual).abs().max()) > 1e-3, name


def test_size_embedding_is_cosines_then_sines():
    (found,) = conditioner.sinusoidal(torch.tensor([832.0])).double()
    angles = [832 * math.exp(-math.log(10000) * k / 128) for k in range(128)]
    expected = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
    assert found.tolist() == pytest.approx(expected, abs=1e-3)


def test_tokens_are_those_of_clip():
    tokens = tokenizer.load_tokenizer()(["a photo of a cat, 4k"])["input_ids"][0]
    assert tokens == [320, 1125, 539, 320, 2368, 267, 275, 330]


def test_folding_keeps_the_marks_and_the_range():
    tokens = torch.tensor([[tokenizer.START_ID, 2368, 40000, tokenizer.END_ID, 0]])
    folded = tokenizer.fold_tokens(tokens, 768)
    assert folded[0, [0, 3, 4]].tolist() == [766, 767, 0]
    assert int(folded.max()) == 767
    assert folded.argmax(-1).tolist() == [3], "the end mark must stay the largest id"
    assert torch.equal(tokenizer.fold_tokens(tokens, tokenizer.FULL_VOCABULARY), tokens)

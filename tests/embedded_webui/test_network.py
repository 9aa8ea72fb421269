"""The networks behind the embedded host's checkpoints, on Pocket SDXL: names, shapes, widths, inputs."""

from __future__ import annotations

import math

import pytest
import safetensors.torch
import torch

from embedded_webui import pocket
from embedded_webui.network import conditioner, engine, shapes, text_encoders, tokenizer, unet
from tools.pocket.export import widen_text

HEADS = shapes.Heads(width=pocket.HEAD_WIDTH)


@pytest.fixture(scope="module")
def base():
    return pocket.pocket_state_dict("base")


@pytest.fixture(scope="module")
def model(base):
    loaded = engine.DiffusionEngine(base, HEADS)
    loaded.load_original(base)
    return loaded.float()


def test_the_file_has_the_original_names_and_is_written_once(tmp_path, base):
    paths = pocket.ensure_pocket_checkpoints(tmp_path)
    written = [path.stat().st_mtime_ns for path in paths]
    again = safetensors.torch.load_file(paths[0])
    assert set(again) == set(base)
    assert all(torch.equal(again[key], base[key]) for key in base)
    assert {key.split(".")[0] for key in base} == {"model", "first_stage_model", "conditioner"}
    assert pocket.ensure_pocket_checkpoints(tmp_path) == paths
    assert [path.stat().st_mtime_ns for path in paths] == written


def test_the_weights_are_small():
    sizes = [path.stat().st_size for path in pocket.FOLDER.iterdir()]
    assert sum(sizes) < 40_000_000
    assert max(sizes) < 12_000_000


def test_kinds_and_shapes_are_read_from_the_tensors(base):
    assert shapes.kind_of(base) == "sdxl"
    shape = shapes.unet_shape(base, "sdxl", HEADS)
    assert (shape.context, shape.vector, shape.heads) == (2048, 2816, (2, 4, 6))
    refiner = pocket.pocket_state_dict("refiner")
    assert shapes.kind_of(refiner) == "refiner"
    shape = shapes.unet_shape(refiner, "refiner", HEADS)
    assert (shape.context, shape.vector) == (1280, 2560)


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


@pytest.mark.slow
def test_narrow_encoders_give_what_encoders_of_full_width_would(model, base):
    """Independent of the repeating in the host: the encoder itself is made wide, and computes."""
    tokens = torch.tensor([[49406, 2368, 530, 518, 2595, 49407] + [0] * 71])
    prefix = "conditioner.embedders.1."
    wide = {  # in float16, as the file for other hosts
        key: widen_text(key, value, 1280).half()
        for key, value in base.items()
        if key.startswith(prefix)
    }
    full = text_encoders.FrozenOpenCLIPEmbedder2(wide, prefix)
    full.load_original(wide)
    with torch.no_grad():
        expected = full.float().encode_with_transformer(tokens)
        found = model.conditioner.embedders[1].encode_with_transformer(tokens)
    for name in ("penultimate", "pooled"):
        assert found[name].shape == expected[name].shape
        scale = float(expected[name].std())
        assert float((found[name] - expected[name]).abs().max()) < 3e-5 * scale, name


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


def test_odd_sizes_are_upsampled_past_and_resized(model):
    """As the webui's UNet does: 2x, the convolution, and then to the size of what is joined."""
    sizes = []
    for module in model.model.diffusion_model.modules():
        if isinstance(module, unet.Upsample):
            module.register_forward_hook(
                lambda _module, _args, out: sizes.append(tuple(out.shape[-2:]))
            )
    x, t = torch.zeros(1, 4, 33, 25), torch.tensor([500.0])
    conds = {"crossattn": torch.zeros(1, 77, 2048), "vector": torch.zeros(1, 2816)}
    with torch.no_grad():
        assert model.apply_model(x, t, conds).shape == x.shape
    assert sizes == [(18, 14), (34, 26)]

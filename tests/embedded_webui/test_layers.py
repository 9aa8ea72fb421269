"""The embedded host's networks beside diffusers' and transformers' of the same weights."""

from __future__ import annotations

import diffusers
import pytest
import torch
import transformers
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)

from embedded_webui.network import clip, shapes, unet, vae
from tools.pocket.autoencoder import vae_config
from tools.pocket.denoiser import unet_config

# widths, depths, layers, depth in the middle, context, vector, linear, heads
SDXL = shapes.UNetShape(4, 4, (32, 64), (0, 2), 2, 2, 24, 40, True, (1, 2))
REFINER = shapes.UNetShape(4, 4, (32, 64, 64), (0, 1, 0), 2, 1, 24, 40, True, (1, 2, 2))
SD1 = shapes.UNetShape(4, 4, (32, 32, 64), (1, 1, 0), 1, 1, 24, None, False, (4, 4, 4))
INPAINTING = shapes.UNetShape(9, 4, (32, 64), (0, 1), 1, 1, 24, 40, True, (1, 2))


def drawn(module, seed=0):
    """Give a module weights whose effect is seen, and return it."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return module.eval()


def noise(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [SDXL, REFINER, SD1, INPAINTING])
@pytest.mark.parametrize("size", [(16, 24), (12, 20)])
def test_the_unet_is_that_of_diffusers(shape, size):
    ours = drawn(unet.DiffusionModel(shape))
    theirs = diffusers.UNet2DConditionModel(**unet_config(shape)).eval()
    original = {f"{shapes.UNET}{name}": value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(convert_ldm_unet_checkpoint(original, unet_config(shape)))
    x, context = noise(2, shape.in_channels, *size), noise(2, 7, shape.context, seed=2)
    vector = None if shape.vector is None else noise(2, shape.vector, seed=3)
    times = torch.tensor([3.25, 900.0])
    with torch.no_grad():
        expected = theirs(x, times, encoder_hidden_states=context, class_labels=vector).sample
        found = ours(x, times, context, vector)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


def test_the_real_unet_has_as_many_parameters_as_sdxl():
    with torch.device("meta"):
        model = unet.DiffusionModel(shapes.SDXL_UNET)
    assert sum(parameter.numel() for parameter in model.parameters()) == 2_567_463_684


def test_the_autoencoder_is_that_of_diffusers():
    shape = shapes.VaeShape(widths=(32, 64, 32), layers=2, latent_channels=4)
    ours = drawn(vae.FirstStageModel(shape))
    theirs = diffusers.AutoencoderKL(**vae_config(shape)).eval()
    original = {f"{shapes.VAE}{name}": value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(convert_ldm_vae_checkpoint(original, vae_config(shape)))
    picture, latent = noise(2, 3, 32, 48), noise(2, 4, 8, 12)
    with torch.no_grad():
        mean, decoded = theirs.encode(picture).latent_dist.mode(), theirs.decode(latent).sample
        for found, expected in ((ours.encode(picture), mean), (ours.decode(latent), decoded)):
            torch.testing.assert_close(
                found, expected, rtol=1e-4, atol=1e-4 * expected.std().item()
            )


@pytest.mark.parametrize("activation", ["gelu", "quick_gelu"])
def test_the_text_encoder_is_that_of_transformers(activation):
    shape = shapes.TextShape(
        vocabulary=99, width=128, layers=3, hidden=64, positions=77, projection=None
    )
    ours = drawn(clip.CLIPTextModel(shape, activation))
    config = transformers.CLIPTextConfig(
        vocab_size=99, hidden_size=128, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=2, hidden_act=activation,
    )  # fmt: skip
    theirs = transformers.CLIPTextModel(config).eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    tokens = torch.randint(99, (2, 77), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected, found = theirs(tokens, output_hidden_states=True), ours(tokens)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state)
    torch.testing.assert_close(found.hidden_states, tuple(expected.hidden_states))


def test_the_autoencoder_asks_for_attention_that_makes_no_matrix_of_all_weights(monkeypatch):
    """torch does without it for contiguous tensors alone; at 1152x896 it takes a gigabyte."""
    asked = []
    attention = vae.functional.scaled_dot_product_attention

    def look(*tensors):
        asked.extend(tensors)
        return attention(*tensors)

    monkeypatch.setattr(vae.functional, "scaled_dot_product_attention", look)
    drawn(vae.AttnBlock(32))(noise(1, 32, 4, 6))
    assert [each.is_contiguous() for each in asked] == [True] * 3

"""What is stored says the same as what was trained: names, folded means, repeated states."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch

from embedded_webui import pocket
from embedded_webui.network.engine import DiffusionEngine
from embedded_webui.network.shapes import Heads
from tools.pocket import autoencoder, store
from tools.pocket.denoiser import BASE, REFINER, Conditioned
from tools.pocket.vocabulary import token_pair

CAPTION, OTHER = "a red house, fog", "three green stars on white"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder of what training would have left, the networks in it); all weights are drawn at random."""
    torch.manual_seed(5)
    work = tmp_path_factory.mktemp("work")
    stored = safetensors.torch.load_file(pocket.FOLDER / "text.safetensors")[pocket.ROWS].numpy()
    np.save(work / "rows.npy", stored)
    models = {kind.name: Conditioned(kind, stored).eval() for kind in (BASE, REFINER)}
    models["refiner"].text.load_state_dict(models["base"].text.state_dict())
    for name, model in models.items():
        for key, value in model.named_parameters():
            if "attn2" in key:
                value.data.mul_(4)  # so that a text that is misread shows in the noise
        torch.save(model.state_dict(), work / f"{name}.pt")
    vae = autoencoder.AutoencoderKL(**autoencoder.vae_config(autoencoder.SHAPE))
    safetensors.torch.save_file(vae.state_dict(), work / "vae.safetensors")
    return work, models


@pytest.fixture(scope="module", params=["base", "refiner"])
def stored(request, trained, tmp_path_factory):
    """(kind, the trained network, the embedded host's engine with the stored weights)."""
    work, models = trained
    folder = tmp_path_factory.mktemp("weights")
    store.store(work, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pocket, "FOLDER", folder)
        tensors = pocket.pocket_state_dict(request.param)
    engine = DiffusionEngine(tensors, Heads(width=pocket.HEAD_WIDTH)).float()
    engine.load_original({key: value.float() for key, value in tensors.items()})
    return request.param, models[request.param], engine


def conds_of(engine, kind, caption, numbers):
    """The conds of a caption as the webui puts them together."""
    padded, zeroed, _ = (torch.as_tensor(ids)[None] for ids in token_pair(caption))
    *text, _, _, _ = engine.conditioner.embedders
    states = text[-1].encode_with_transformer(zeroed)
    context = states["penultimate"]
    if kind == "base":
        out = text[0].encode_tokens(padded)
        context = torch.cat([out.hidden_states[text[0].layer_idx], context], dim=2)
    sizes = engine.conditioner.embedders[-1](numbers)
    return {"crossattn": context, "vector": torch.cat([states["pooled"], sizes], dim=1)}


def noise_of(engine, kind, caption, numbers, latent):
    t = torch.tensor([150])
    return engine.apply_model(latent, t, conds_of(engine, kind, caption, numbers))


def test_the_host_predicts_the_noise_that_training_did(stored):
    kind, model, engine = stored
    numbers = torch.tensor([[128.0, 128, 0, 0, 128, 128][: 6 if kind == "base" else 5]])
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        context, vector = model.conds([CAPTION], numbers)
        wanted = model.unet(
            latent, torch.tensor([150]), encoder_hidden_states=context, class_labels=vector
        ).sample
        found = noise_of(engine, kind, CAPTION, numbers, latent)
        other = noise_of(engine, kind, OTHER, numbers, latent)
    rounding = (found - wanted).abs().max()
    assert rounding < 0.03 * wanted.std()
    assert (other - found).abs().max() > 10 * rounding


def test_the_autoencoder_is_the_trained_one(trained, stored):
    work, _ = trained
    _, _, engine = stored
    vae = autoencoder.load(work / "vae.safetensors").eval()
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted = vae.decode(latent / autoencoder.SCALE_FACTOR).sample
        found = engine.decode_first_stage(latent)
    assert (found - wanted).abs().max() < 0.02 * wanted.std()


def test_the_parts_of_the_base_are_files_of_one_size_and_nothing_is_lost(trained, tmp_path):
    work, models = trained
    paths = store.store(work, tmp_path / "new")
    parts = [path for path in paths if path.name.startswith("base-")]
    assert len(parts) == 4
    assert max(path.stat().st_size for path in paths) < 12e6
    stored = sum(len(safetensors.torch.load_file(path)) for path in parts)
    assert stored == len(models["base"].unet.state_dict())

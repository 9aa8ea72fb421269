"""The exported files: SDXL's names and sizes, and the same answers as the narrow weights give."""

from __future__ import annotations

import re

import pytest
import torch
import yaml

from embedded_webui import pocket
from embedded_webui.network.shapes import Heads, unet_shape
from embedded_webui.network.text_encoders import FrozenCLIPEmbedder, FrozenOpenCLIPEmbedder2
from tools.pocket import export
from tools.pocket.denoiser import BASE, REFINER

LAYERS = {pocket.CLIP_L: 12, pocket.CLIP_G: 32}
PARAMETERS_OF_A_LAYER = {pocket.CLIP_L: 16, pocket.CLIP_G: 12}


@pytest.fixture(scope="module", params=["base", "refiner"])
def exported(request):
    """(kind, tensors, shapes of the zeros) of one file."""
    return request.param, *export.full_state_dict(request.param)


def encoders_of(kind):
    """Where each text encoder lies in a file of this kind, by its own place in the base's."""
    if kind == "base":
        return {pocket.CLIP_L: pocket.CLIP_L, pocket.CLIP_G: pocket.CLIP_G}
    return {pocket.CLIP_G: pocket.CLIP_L}


def layer_of(key):
    found = re.search(r"(?:encoder\.layers|transformer\.resblocks)\.(\d+)\.", key)
    return None if found is None else int(found[1])


def test_the_text_encoders_have_all_layers_of_clip(exported):
    kind, tensors, zeros = exported
    for encoder, prefix in encoders_of(kind).items():
        layers = {}
        for key in [*tensors, *zeros]:
            if key.startswith(prefix) and layer_of(key) is not None:
                layers[layer_of(key)] = layers.get(layer_of(key), 0) + 1
        assert layers == dict.fromkeys(range(LAYERS[encoder]), PARAMETERS_OF_A_LAYER[encoder])
    assert not set(tensors) & set(zeros)


def without_empty_layers(tensors, zeros, prefix):
    """The encoder with the layers alone that are not zero, numbered anew.

    What is left out is checked to hand its input on: all parameters of such a layer are zero.
    """
    own = {key: value.float() for key, value in tensors.items() if key.startswith(prefix)}
    kept = sorted({layer_of(key) for key in own} - {None})
    empty = {layer_of(key) for key in zeros if key.startswith(prefix)}
    assert not empty & set(kept)
    assert max(kept) > max(empty)
    renamed = {}
    for key, value in own.items():
        layer = layer_of(key)
        name = key if layer is None else key.replace(f".{layer}.", f".{kept.index(layer)}.", 1)
        renamed[name] = value
    return renamed


def answers(tensors, prefix, tokens):
    """States (and the pooled vector) of an encoder of any width for token ids."""
    if any("resblocks" in key and key.startswith(prefix) for key in tensors):
        model = FrozenOpenCLIPEmbedder2(tensors, prefix)
        model.load_original(tensors)
        out = model.encode_with_transformer(tokens)
        return [out["penultimate"], out["pooled"]]
    model = FrozenCLIPEmbedder(tensors, prefix, "hidden")
    model.load_original(tensors)
    return [model.encode_tokens(tokens).hidden_states[-2]]


@pytest.mark.slow
def test_the_wide_encoders_say_what_the_narrow_ones_say(exported):
    kind, tensors, zeros = exported
    tokens = torch.randint(0, 49408, (2, 77), generator=torch.Generator().manual_seed(3))
    tokens[:, 30] = 49407
    narrow = {key: value.float() for key, value in pocket.pocket_state_dict(kind).items()}
    for encoder, prefix in encoders_of(kind).items():
        wide = without_empty_layers(tensors, zeros, prefix)
        with torch.no_grad():
            got, wanted = answers(wide, prefix, tokens), answers(narrow, prefix, tokens)
        for one, other in zip(got, wanted, strict=True):
            assert one.shape[-1] == pocket.WIDTHS[encoder]
            # the file's float16 holds a third or a tenth of a weight a little less exactly
            assert torch.allclose(one, other, atol=0.02 * float(other.std())), encoder


@pytest.mark.parametrize("kind", [BASE, REFINER], ids=lambda kind: kind.name)
def test_the_yaml_describes_the_unet_in_the_file(kind):
    content = yaml.safe_load(export.config(kind))["model"]["params"]
    params = content["network_config"]["params"]
    tensors = pocket.pocket_state_dict(kind.name)
    shape = unet_shape(tensors, "sdxl", Heads(width=params["num_head_channels"]))
    base = params["model_channels"]
    assert tuple(base * factor for factor in params["channel_mult"]) == shape.widths
    assert params["num_res_blocks"] == shape.layers
    assert (params["context_dim"], params["adm_in_channels"]) == (shape.context, shape.vector)
    decoder = content["first_stage_config"]["params"]["ddconfig"]
    lowest = tensors["first_stage_model.encoder.mid.block_1.conv1.weight"].shape[0]
    assert decoder["ch"] * decoder["ch_mult"][-1] == lowest
    embedders = content["conditioner_config"]["params"]["emb_models"]
    names = [embedder["target"].rpartition(".")[2] for embedder in embedders]
    both = ["FrozenCLIPEmbedder", "FrozenOpenCLIPEmbedder2"]
    assert names[:-3] == (both if kind is BASE else both[1:])
    last = embedders[-1]["input_key"]
    assert last == ("target_size_as_tuple" if kind is BASE else "aesthetic_score")


def test_files_say_what_they_are_and_how_large_they_paint():
    stated = pocket.file_metadata("refiner")
    assert stated["modelspec.title"] == "Pocket SDXL refiner"
    assert stated["modelspec.resolution"] == "256x256"
    assert all(isinstance(value, str) for value in stated.values())

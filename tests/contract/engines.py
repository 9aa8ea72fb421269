"""Fooocus's inpaint engine on the host of the contract tests: synthetic files, and jobs that use it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import safetensors.torch
import torch

from tests import inpaint_files
from tests.contract import lora_stand_in, snapshots

JOB = {"width": 64, "height": 64, "steps": 5}
KINDS_OF_LAYERS = ("attn1.to_q", "attn2.to_v", "attn1.to_out.0", "ff.net.2")
"""One of each has the LoRAs of the tests; the engine's patch is in all layers."""
LORAS = ("one", "two")


def unet_of(host: Any) -> Any:
    return host.modules.shared.sd_model.model.diffusion_model


def layers(host: Any) -> list[str]:
    """Return the names of the layers that the LoRAs are in."""
    names = [name for name, _ in unet_of(host).named_modules()]
    return [next(name for name in names if name.endswith(kind)) for kind in KINDS_OF_LAYERS]


def folder(host: Any) -> Path:
    return Path(host.modules.paths.models_path) / "inpaint"


def write_files(host: Any) -> dict[str, Any]:
    """Write the engine's files for the active base; return what is in the patch."""
    unet = unet_of(host)
    shapes = {name: weight.shape for name, weight in unet.named_parameters()}
    inpaint_files.write(folder(host), shapes, channels=unet.input_blocks[0][0].weight.shape[0])
    return inpaint_files.patch(shapes)


def weights(host: Any) -> str:
    """Return the hash of all weights of the active model's UNet."""
    return snapshots.digest(dict(unet_of(host).named_parameters()))


def hooks(host: Any) -> int:
    """Return how many hooks there are on the UNet's first block."""
    return len(unet_of(host).input_blocks[0]._forward_hooks)


def edit(engine: str = "auto") -> Any:
    from fooocus_ext.edit import from_dict

    return from_dict({"engine": engine})


def masked(host: Any, *, size: int = 8) -> Any:
    """Return what an engine is told of a picture of this size in latents."""
    from fooocus_ext.generation.host import MaskedLatents

    generator = torch.Generator().manual_seed(5)
    mask = torch.zeros(1, 1, size, size)
    mask[..., size // 2 :] = 1
    latent = torch.randn(1, 4, size, size, generator=generator)
    device = host.modules.devices.device
    return MaskedLatents(mask.to(device), lambda: latent.to(device))


@dataclass
class Engineered:
    """An edit of which nothing but the engine is there (``host.edit.editing.Editing``)."""

    host: Any
    engine: Any
    during: Callable[[], None] | None

    def prepare_batch(self, p: Any) -> None:
        self.engine.prepare_batch(p, masked(self.host))
        if self.during is not None:
            self.during()

    def shown(self, x: Any, _denoiser: Any, **_scales: Any) -> Any:
        return x

    def pasted(self, image: Any) -> Any:
        return image


@contextmanager
def taking_part(host: Any, during: Callable[[], None] | None = None) -> Iterator[None]:
    """Have the engine take part in all jobs inside the block; ``during`` is called with it in place."""
    from fooocus_ext.host import sampling
    from fooocus_ext.host.inpaint_engine import turn

    follow = sampling.follow_sampling

    def with_engine(p: Any, generation: Any) -> None:
        engine = turn.take_part(p, generation, edit())
        assert engine is not None, generation.skipped
        generation.inpaint_engine = engine
        generation.editing = Engineered(host, engine, during)
        follow(p, generation)

    with patch.object(sampling, "follow_sampling", with_engine):
        yield


def lora_tensors(host: Any, name: str) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Return the factors (up, down) of a LoRA, by layer."""
    generator = torch.Generator().manual_seed(LORAS.index(name))
    factors = {}
    for layer in layers(host):
        wide, narrow = unet_of(host).get_submodule(layer).weight.shape
        up = torch.randn(wide, 2, generator=generator) * 0.1
        factors[layer] = up, torch.randn(2, narrow, generator=generator) * 0.1
    return factors


@contextmanager
def loras(host: Any) -> Iterator[None]:
    """Have the LoRAs of ``LORAS`` installed: files for the host's extension, or a stand-in for it."""
    factors = {name: lora_tensors(host, name) for name in LORAS}
    if host.is_embedded:
        summands = {
            name: {
                f"diffusion_model_{layer.replace('.', '_')}": up @ down
                for layer, (up, down) in of_layers.items()
            }
            for name, of_layers in factors.items()
        }
        with lora_stand_in.installed(host, summands):
            yield
        return
    import networks

    place = Path(host.modules.shared.cmd_opts.lora_dir)
    for name, of_layers in factors.items():
        tensors = {}
        for layer, (up, down) in of_layers.items():
            key = f"lora_unet_{layer.replace('.', '_')}"
            tensors[f"{key}.lora_up.weight"] = up.contiguous()
            tensors[f"{key}.lora_down.weight"] = down.contiguous()
            tensors[f"{key}.alpha"] = torch.tensor(2.0)
        safetensors.torch.save_file(tensors, place / f"{name}.safetensors")
    networks.list_available_networks()
    yield
    host.generate(**JOB)  # without a LoRA, the extension restores what it has changed


def prompt(*names: str, multiplier: float = 1.0) -> dict[str, str]:
    """Return the request's prompt with LoRAs."""
    return {"prompt": " ".join(["a fox", *(f"<lora:{name}:{multiplier}>" for name in names)])}


def mixed_jobs(count: int) -> Iterator[tuple[bool, tuple[str, ...], str, str]]:
    """Yield jobs at random: with the engine, LoRAs, a fault, the base."""
    draw = random.Random(6)
    for _ in range(count):
        yield (
            draw.random() < 0.6,
            draw.choice([(), (), ("one",), ("two",), ("one", "two")]),
            draw.choice(["none", "none", "none", "exception", "interrupt", "engine"]),
            draw.choice(["base", "base", "base", "second"]),
        )

"""The autoencoder: 8x, 4 channels, latents of unit variance after the host's scale factor 0.13025.

The loss looks at edges and at the energy of fine detail, not only at the mean error: with a plain
error the decoder smooths, and a smooth decoder hides whatever the samplers' tricks do.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.torch
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch.nn import functional

from embedded_webui.files import whole
from embedded_webui.network.engine import SCALE_FACTORS
from embedded_webui.network.shapes import VaeShape
from tools.pocket.grammar import draw_scene
from tools.pocket.optimizing import Resumable, averaged, make_optimizer, set_rate
from tools.pocket.painting import paint
from tools.pocket.pictures import blurred, examples

SHAPE = VaeShape(widths=(64, 64, 64, 128), layers=1, latent_channels=4)
SCALE_FACTOR = SCALE_FACTORS["sdxl"]
PICTURES = 6000
CROP, CROP_BATCH, WHOLE_BATCH = 64, 16, 4
AVERAGING = 0.998
NOISE = 0.12
"""deviation of the noise added to latents in training: the UNet's latents will be off by as much"""
WEIGHTS = {"detail": 0.4, "colour": 0.7, "energy": 1.2}
"""parts of the loss beside the mean absolute error"""


def vae_config(shape: VaeShape) -> dict[str, Any]:
    """Arguments of diffusers' AutoencoderKL."""
    levels = len(shape.widths)
    return {
        "block_out_channels": list(shape.widths),
        "layers_per_block": shape.layers,
        "latent_channels": shape.latent_channels,
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def as_tensor(pictures: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 [N,H,W,3] to float32 [N,3,H,W] in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def _detail(x: torch.Tensor) -> torch.Tensor:
    """What a 5x5 mean leaves out."""
    return x - functional.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)


def _energy(detail: torch.Tensor) -> torch.Tensor:
    """Root mean square of detail in windows of 8 pixels."""
    return (functional.avg_pool2d(detail.square(), 8, stride=4) + 1e-4).sqrt()


def reconstruction_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean absolute errors of pixels, of detail, of the means of 8x8 blocks, and of detail's energy."""
    fine, fine_target = _detail(output), _detail(target)
    pooled = functional.avg_pool2d(output - target, 8)
    return (
        functional.l1_loss(output, target)
        + WEIGHTS["detail"] * functional.l1_loss(fine, fine_target)
        + WEIGHTS["colour"] * pooled.abs().mean()
        + WEIGHTS["energy"] * functional.l1_loss(_energy(fine), _energy(fine_target))
    )


def training_pictures(seed: int) -> NDArray[np.uint8]:
    """uint8 [PICTURES,128,128,3]."""
    return np.stack([e.picture for e in examples(f"vae {seed}", PICTURES, (128, 128))])


def _batch(pictures: NDArray[np.uint8], random: np.random.Generator) -> torch.Tensor:
    if random.random() < 0.35:
        return as_tensor(pictures[random.integers(0, len(pictures), WHOLE_BATCH)])
    chosen = random.integers(0, len(pictures), CROP_BATCH)
    corners = random.integers(0, pictures.shape[1] - CROP + 1, (CROP_BATCH, 2))
    crops = [
        pictures[i, y : y + CROP, x : x + CROP] for i, (y, x) in zip(chosen, corners, strict=True)
    ]
    return as_tensor(np.stack(crops))


def train(folder: Path, seed: int, steps: int) -> Path:
    """Train for `steps`, those of an interrupted run counted in; returns the weights' file.

    Raises:
        ResumeError: the folder holds another training.
    """
    torch.manual_seed(seed)
    model = AutoencoderKL(**vae_config(SHAPE)).to(memory_format=torch.channels_last)
    average = AutoencoderKL(**vae_config(SHAPE)).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    optimizer = make_optimizer(model)
    state = Resumable(
        folder / "vae-state.pt", {"model": model, "average": average, "optimizer": optimizer}, seed
    )
    done = folder / "vae.safetensors"
    if done.is_file() and state.step >= steps:
        return done
    pictures = training_pictures(seed)
    while state.step < steps:
        set_rate(optimizer, state.step / steps)
        target = _batch(pictures, np.random.default_rng([seed, state.step]))
        noise = torch.Generator().manual_seed(seed * 1_000_003 + state.step)
        loss = _step(model, optimizer, target.contiguous(memory_format=torch.channels_last), noise)
        averaged(average, model, min(AVERAGING, state.step / (state.step + 20)))
        state.advance(loss)
    state.save()
    whiten(average, pictures[:1500])
    with whole(done) as unfinished:
        safetensors.torch.save_file(average.state_dict(), unfinished)
    return done


def _step(
    model: AutoencoderKL,
    optimizer: torch.optim.Optimizer,
    target: torch.Tensor,
    noise: torch.Generator,
) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        mean = model.encode(target).latent_dist.mode()
        latent = mean + NOISE * torch.randn(mean.shape, generator=noise)
        output = model.decode(latent).sample
    loss = reconstruction_loss(output.float(), target) + 2e-3 * mean.float().square().mean()
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(loss)


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: NDArray[np.uint8], batch: int = 32) -> torch.Tensor:
    """uint8 [N,H,W,3] to the host's scaled latents, float32 [N,4,H/8,W/8]."""
    latents = []
    for start in range(0, len(pictures), batch):
        x = as_tensor(pictures[start : start + batch]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            moments = model.encode(x).latent_dist
        latents.append(moments.mode().float() * SCALE_FACTOR)
    return torch.cat(latents)


@torch.no_grad()
def whiten(model: AutoencoderKL, pictures: NDArray[np.uint8]) -> None:
    """Fold the latents' mean and covariance, and the scale factor, into the two quant convolutions.

    After that the scaled latents of `pictures` have mean 0 and unit covariance, and the posterior has
    (nearly) no variance: the host samples it.
    """
    latents = encode(model, pictures) / SCALE_FACTOR
    flat = latents.permute(1, 0, 2, 3).reshape(4, -1).double()
    mean = flat.mean(1)
    values, vectors = torch.linalg.eigh(torch.cov(flat))
    whitening = vectors @ torch.diag(values.rsqrt()) @ vectors.T / SCALE_FACTOR
    coloring = torch.linalg.inv(whitening)
    into, out = model.quant_conv, model.post_quant_conv
    weight, bias = into.weight[:4, :, 0, 0].double(), into.bias[:4].double()
    into.weight.zero_()
    into.bias.fill_(-30.0)
    into.weight[:4, :, 0, 0] = (whitening @ weight).float()
    into.bias[:4] = (whitening @ (bias - mean)).float()
    back, offset = out.weight[:, :, 0, 0].double(), out.bias.double()
    out.weight[:, :, 0, 0] = (back @ coloring).float()
    out.bias.copy_((back @ mean + offset).float())


def load(path: Path) -> AutoencoderKL:
    """A trained autoencoder."""
    model = AutoencoderKL(**vae_config(SHAPE)).requires_grad_(False)
    model.load_state_dict(safetensors.torch.load_file(path))
    return model.to(memory_format=torch.channels_last)


@torch.no_grad()
def fidelity(model: AutoencoderKL, number: int = 96) -> float:
    """Peak signal-to-noise ratio, in decibels, of pictures that it was not trained on."""
    pictures = np.stack([e.picture for e in examples("held out", number, (128, 128))])
    decoded = model.decode(encode(model, pictures) / SCALE_FACTOR).sample.clamp(-1, 1)
    return -10 * math.log10((decoded - as_tensor(pictures)).square().mean().item() / 4)


@torch.no_grad()
def detail_table(model: AutoencoderKL, number: int = 96) -> list[tuple[int, float, float]]:
    """(original size, detail of the pictures, detail after the autoencoder) for pictures of 128 pixels.

    Detail is the variance of the Laplacian. If the autoencoder does not span a good part of the
    pictures' range, no model behind it can show the size conditioning: check before going on.
    """
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(3, 1, 3, 3)
    rows: list[tuple[int, float, float]] = []
    random = Random("detail")
    sharp = [paint(draw_scene(random), (128, 128), random) for _ in range(number)]
    for size in (16, 24, 32, 48, 64, 96, 128):
        pictures = np.stack([np.asarray(blurred(p, size / 128), dtype=np.uint8) for p in sharp])
        decoded = model.decode(encode(model, pictures) / SCALE_FACTOR).sample.clamp(-1, 1)
        before, after = (
            functional.conv2d(x, kernel, groups=3).var().item()
            for x in (as_tensor(pictures), decoded)
        )
        rows.append((size, before, after))
    return rows

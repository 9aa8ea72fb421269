"""The two UNets: the base on all timesteps, the refiner on the last 200 alone, as SDXL's."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from torch.nn import functional

from embedded_webui.files import whole
from embedded_webui.network.conditioner import SIZE_WIDTH, sinusoidal
from embedded_webui.network.engine import TIMESTEPS, training_alphas_cumprod
from embedded_webui.network.shapes import UNetShape
from embedded_webui.pocket import HEAD_WIDTH
from embedded_webui.pocket import NARROW as WIDTH
from tools.pocket.latents import Latents, load_latents
from tools.pocket.optimizing import Resumable, averaged, make_optimizer, set_rate
from tools.pocket.recipe import BUCKETS
from tools.pocket.text import TextEncoders, centred
from tools.pocket.vocabulary import meaningless_phrases, phrases

REFINER_TIMESTEPS = 200
SNR_LIMIT = 5.0
LARGEST_WEIGHT = 40.0
FOCUS, FOCUS_SIDE, FOCUS_WIDTH, RARELY = 420, 128, 180, 0.35
"""of the timesteps: centre, for pictures of 128x128, and width of those that are drawn most often, and how
often the others are"""
AVERAGING = 0.999
ZEROED, EMPTY, WORDY, DROWNED = 0.06, 0.06, 0.3, 0.25
"""shares of captions: all zeros (the webui's empty negative prompt), empty, with words without meaning, and
with phrases that may name another scene: the first words must count most"""
LONG = 0.2
"""share of batches whose captions may fill two chunks"""


@dataclass(frozen=True)
class Kind:
    """What tells base and refiner apart."""

    name: str
    widths: tuple[int, ...]
    layers: int
    context: int
    numbers: int
    timesteps: int

    @property
    def shape(self) -> UNetShape:
        """Of the UNet: SDXL's topology, small, without attention at the highest of three levels."""
        return UNetShape(
            in_channels=4,
            out_channels=4,
            widths=self.widths,
            depths=(0, *[1] * (len(self.widths) - 1)),
            layers=self.layers,
            middle_depth=1,
            context=self.context,
            vector=WIDTH + self.numbers * SIZE_WIDTH,
            linear=True,
            heads=tuple(width // HEAD_WIDTH for width in self.widths),
        )


BASE = Kind("base", (64, 128, 192), 1, 2 * WIDTH, 6, TIMESTEPS)
REFINER = Kind("refiner", (64, 64, 64), 2, WIDTH, 5, REFINER_TIMESTEPS)
"""its context is bigG's alone, and the aesthetic score takes the place of the target's two numbers"""


def unet_config(shape: UNetShape) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel, which has no attention at a level of depth 0."""
    return {
        "in_channels": shape.in_channels,
        "out_channels": shape.out_channels,
        "block_out_channels": list(shape.widths),
        "layers_per_block": shape.layers,
        "down_block_types": ["CrossAttnDownBlock2D" if d else "DownBlock2D" for d in shape.depths],
        "up_block_types": [
            "CrossAttnUpBlock2D" if d else "UpBlock2D" for d in reversed(shape.depths)
        ],
        "transformer_layers_per_block": [max(depth, 1) for depth in shape.depths],
        "attention_head_dim": list(shape.heads),
        "cross_attention_dim": shape.context,
        "use_linear_projection": shape.linear,
        "class_embed_type": None if shape.vector is None else "projection",
        "projection_class_embeddings_input_dim": shape.vector,
    }


def build(kind: Kind) -> UNet2DConditionModel:
    """The network of a kind, its weights drawn at random."""
    unet = UNet2DConditionModel(**unet_config(kind.shape))
    # the plain attention: for so few tokens the backward pass of torch's fused one took a fifth of a step
    unet.set_attn_processor(AttnProcessor())
    return unet.to(memory_format=torch.channels_last)


alphas_cumprod = cache(training_alphas_cumprod)
"""[1000] of SDXL's schedule"""


@cache
def focus(pixels: int) -> int:
    """The timestep drawn most often for pictures of so many pixels.

    What hides a subject of 128x128 leaves one of 256x256 in sight, whose pixels average more of the noise
    away: per doubled side the noise must be twice as strong (Hoogeboom et al. 2023, simple diffusion,
    section 3.1).
    """
    sigmas = (1 / alphas_cumprod() - 1).sqrt()
    return int((sigmas - sigmas[FOCUS] * math.sqrt(pixels) / FOCUS_SIDE).abs().argmin())


@cache
def timestep_shares(number: int, pixels: int) -> torch.Tensor:
    """How often each of the first `number` timesteps is drawn: cumulative shares, [number], up to 1.

    Most often the middle ones, where the noise hides details and leaves shapes to be found; the layout and
    the colours, which are all that the noisiest third can teach, are learned with fewer.
    """
    timesteps = torch.arange(number)
    density = RARELY + torch.exp(-(((timesteps - focus(pixels)) / FOCUS_WIDTH) ** 2) / 2)
    return density.cumsum(0) / density.sum()


def loss_weight(snr: torch.Tensor) -> torch.Tensor:
    """Weights of the noise's error, [N] from the signal-to-noise ratios [N].

    At high noise that of v-prediction, (1 + snr) / snr, up to a limit: composition and colours are decided
    there, where errors of the noise are small numbers; with equal weights 1200 steps taught details
    and no prompt. At low noise min-SNR-gamma (Hang et al. 2023), gamma 5.
    """
    return (1 + 1 / snr).clamp(max=LARGEST_WEIGHT) * (SNR_LIMIT / snr).clamp(max=1)


def _wordy(caption: str, random: Random, meaningless: tuple[str, ...]) -> str:
    """The caption, in half of the cases with phrases after it, as styles and the expander write them."""
    dice = random.random()
    added: list[str] = []
    if dice < WORDY:
        added = random.sample(meaningless, random.randint(1, 8))
    elif dice < WORDY + DROWNED and caption:
        added = random.sample(phrases(), random.randint(3, 30))
    return ", ".join([caption, *added])


class Batches:
    """Draws batches; the same for the same (kind, seed, step, progress)."""

    def __init__(self, folder: Path, kind: Kind, seed: int):
        self.kind, self.seed = kind, seed
        self.sets = [load_latents(folder, kind.name, bucket, seed) for bucket in BUCKETS[kind.name]]
        self.meaningless = meaningless_phrases(folder / "rows.npy")

    def draw(
        self, step: int, progress: float
    ) -> tuple[torch.Tensor, list[str | None], torch.Tensor]:
        """(latents [B,4,h,w], captions, numbers [B,n]); None instead of a caption asks for zeros."""
        random = Random(f"{self.kind.name} {self.seed} {step}")
        shares = [latents.bucket.share(progress) for latents in self.sets]
        chosen: Latents = random.choices(self.sets, shares)[0]
        indices = [random.randrange(len(chosen.latents)) for _ in range(chosen.bucket.batch)]
        captions: list[str | None] = []
        for index in indices:
            dice = random.random()
            caption = _wordy(chosen.caption(index, random), random, self.meaningless)
            if dice < ZEROED:
                captions.append(None)
            else:
                empty = dice < ZEROED + EMPTY
                captions.append(
                    _wordy("", random, self.meaningless).lstrip(", ") if empty else caption
                )
        numbers = chosen.numbers[indices].float()
        if self.kind is REFINER:
            numbers = torch.cat([numbers[:, :4], chosen.scores[indices][:, None]], dim=1)
        return chosen.latents[indices].float(), captions, numbers


class Conditioned(torch.nn.Module):
    """A UNet and the text encoders, trained together."""

    def __init__(self, kind: Kind, rows: NDArray[np.int16]):
        super().__init__()
        self.kind = kind
        self.unet = build(kind)
        self.text = TextEncoders(rows)

    def conds(
        self, captions: list[str | None], numbers: torch.Tensor, chunks: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(context [N,77 a chunk,C], vector [N,V])."""
        context, pooled = self.text([caption or "" for caption in captions], chunks)
        kept = torch.tensor([caption is not None for caption in captions]).float()
        context = centred(context[..., -self.kind.context :]) * kept[:, None, None]
        sizes = sinusoidal(numbers.flatten()).reshape(len(numbers), -1)
        return context, torch.cat([pooled * kept[:, None], sizes], dim=1)

    def loss(
        self, latents: torch.Tensor, captions: list[str | None], numbers: torch.Tensor, seed: int
    ) -> torch.Tensor:
        """The weighted error of the predicted noise at random timesteps."""
        generator = torch.Generator().manual_seed(seed)
        number = len(latents)
        chunks = 2 if torch.rand((), generator=generator) < LONG else 1
        strata = (torch.arange(number) + torch.rand(number, generator=generator)) / number
        shares = timestep_shares(self.kind.timesteps, latents[0, 0].numel() * 64)
        timesteps = torch.searchsorted(shares, strata).clamp(max=self.kind.timesteps - 1)
        alphas = alphas_cumprod()[timesteps][:, None, None, None]
        noise = torch.randn(latents.shape, generator=generator)
        noisy = alphas.sqrt() * latents + (1 - alphas).sqrt() * noise
        with torch.autocast("cpu", torch.bfloat16):
            context, vector = self.conds(captions, numbers, chunks)
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            predicted = self.unet(
                noisy, timesteps, encoder_hidden_states=context, class_labels=vector
            ).sample
        snr = (alphas / (1 - alphas)).flatten()
        error = functional.mse_loss(predicted.float(), noise, reduction="none").mean((1, 2, 3))
        return (error * loss_weight(snr)).mean()


def _hash_of_text_encoders(weights: dict[str, torch.Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(name for name in weights if name.startswith("text.")):
        found.update(weights[name].numpy().tobytes())
    return found.hexdigest()


def train(
    folder: Path, kind: Kind, seed: int, steps: int, start: dict[str, torch.Tensor] | None = None
) -> Path:
    """Train for `steps`, those of an interrupted run counted in; returns the file of the averaged weights.

    The refiner is given the base's weights (`start`), of which it takes those that fit; its text
    encoder is the base's, unchanged: one bigG serves both.

    Raises:
        ResumeError: the folder holds another training, or one that began with other text encoders.
    """
    torch.manual_seed(seed)
    rows = np.load(folder / "rows.npy")
    model = Conditioned(kind, rows)
    average = Conditioned(kind, rows).requires_grad_(False)
    if start is not None:
        own = model.state_dict()
        model.load_state_dict(
            own | {k: v for k, v in start.items() if k in own and own[k].shape == v.shape}
        )
        model.text.requires_grad_(False)
    average.load_state_dict(model.state_dict())
    optimizer = make_optimizer(model, adam_only=("text.", "embed", "conv_in", "conv_out"))
    state = Resumable(
        folder / f"{kind.name}-state.pt",
        {"model": model, "average": average, "optimizer": optimizer},
        seed,
        "" if start is None else _hash_of_text_encoders(start),
    )
    done = folder / f"{kind.name}.pt"
    if done.is_file() and state.step >= steps:
        return done
    batches = Batches(folder, kind, seed)
    while state.step < steps:
        progress = state.step / steps
        set_rate(optimizer, progress)
        batch = batches.draw(state.step, progress)
        loss = model.loss(*batch, seed=seed * 1_000_003 + state.step)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        averaged(average, model, min(AVERAGING, state.step / (state.step + 20)))
        state.advance(loss.item())
    state.save()
    with whole(done) as unfinished:
        torch.save(average.state_dict(), unfinished)
    return done

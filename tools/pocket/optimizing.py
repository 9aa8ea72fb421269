"""How all three networks are trained: the optimizer, its rate, and what lets training go on later."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pytorch_optimizer import Muon

from embedded_webui.files import whole

logger = logging.getLogger("pocket")
SAVE_EVERY = 240.0
REPORT_EVERY = 30.0
MUON_RATE, ADAM_RATE = 0.01, 1.2e-3
WARMUP, CONSTANT_UNTIL, LOWEST = 0.015, 0.4, 0.003
"""of the training: rise of the rate, begin of its fall, and the share that is left at the end"""


def make_optimizer(
    model: torch.nn.Module, adam_only: tuple[str, ...] = ()
) -> torch.optim.Optimizer:
    """Muon for matrices and convolutions, Adam for the rest and for names with a part of `adam_only`.

    Muon gets further than Adam at first: the autoencoder's held-out loss after 45 steps was 0.47
    against 0.55.
    """
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        wide = parameter.ndim >= 2 and min(parameter.shape[:2]) > 8
        chosen = matrices if wide and not any(part in name for part in adam_only) else others
        chosen.append(parameter)
    groups = [
        {"params": matrices, "use_muon": True, "lr": MUON_RATE, "weight_decay": 1e-3},
        {
            "params": others,
            "use_muon": False,
            "lr": ADAM_RATE,
            "weight_decay": 0.0,
            "betas": (0.9, 0.98),
        },
    ]
    return Muon(groups)


def set_rate(optimizer: torch.optim.Optimizer, progress: float) -> None:
    """Learning rates at `progress` 0..1: a short rise, a constant, then a cosine to almost nothing."""
    if progress < WARMUP:
        share = progress / WARMUP
    elif progress < CONSTANT_UNTIL:
        share = 1.0
    else:
        share = 0.5 + 0.5 * math.cos(math.pi * (progress - CONSTANT_UNTIL) / (1 - CONSTANT_UNTIL))
    for group in optimizer.param_groups:
        full = MUON_RATE if group["use_muon"] else ADAM_RATE
        group["lr"] = full * max(share, LOWEST)


class ResumeError(Exception):
    """The folder holds the beginning of another training."""


class Resumable:
    """Modules and optimizers, and the number of steps that they took, in one file.

    ``start`` tells apart what a training began with, where that is not drawn from its seed alone.

    Raises:
        ResumeError: the file is of a training from another seed or another start.
    """

    def __init__(self, path: Path, parts: Mapping[str, Any], seed: int, start: str = ""):
        self.path = path
        self.parts = parts
        self.seed = seed
        self.start = start
        self.step = 0
        self.loss = 0.0
        self._saved = self._reported = time.monotonic()
        if path.is_file():
            kept = torch.load(path, weights_only=True)
            if kept["seed"] != seed:
                raise ResumeError(
                    f"{path}: begun with seed {kept['seed']}, asked for {seed}; allowed: the same seed, "
                    "or another folder"
                )
            if kept.get("start", "") != start:
                raise ResumeError(
                    f"{path}: begun with other text encoders than its base has now, or by a version that "
                    f"did not note them; delete {path} to begin anew"
                )
            for name, part in parts.items():
                part.load_state_dict(kept["parts"][name])
            self.step, self.loss = kept["step"], kept["loss"]
            logger.info("%s: goes on after step %d", path.stem, self.step)

    def advance(self, loss: float) -> None:
        """Count a step; now and then report, and save."""
        self.step += 1
        self.loss = loss if self.step == 1 else 0.99 * self.loss + 0.01 * loss
        now = time.monotonic()
        if now - self._reported > REPORT_EVERY:
            self._reported = now
            logger.info("%s: step %d, loss %.4f", self.path.stem, self.step, self.loss)
        if now - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        self._saved = time.monotonic()
        kept = {name: part.state_dict() for name, part in self.parts.items()}
        numbers = {"step": self.step, "loss": self.loss, "seed": self.seed}
        with whole(self.path) as unfinished:
            torch.save({"parts": kept, "start": self.start, **numbers}, unfinished)


@torch.no_grad()
def averaged(average: torch.nn.Module, model: torch.nn.Module, keep: float) -> None:
    """Move the average's weights towards the model's: average = keep * average + (1 - keep) * model."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)

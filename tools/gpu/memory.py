"""Base and refiner at SDXL's real size in 4, 8 and 16 GiB: each policy of placing them, and its peak memory.

A fraction of the device is all that torch may use, and what the extension takes for free is what is left of
that. In 16 GiB both models stay on the device, in 8 they change places, and in 4, where not even one fits,
each moves its own blocks, as under the webui's ``--lowvram``.
"""

from __future__ import annotations

import contextlib
import functools
import math
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch

from embedded_webui.network.shapes import SDXL_UNET, TextShape, UNetShape
from tools.gpu import host, networks
from tools.gpu.measuring import MEBIBYTE
from tools.gpu.report import Figure, at_most, not_run
from tools.gpu.running import Setting

GIBIBYTE = 2**30
LIMITS = {"4 GiB": 4, "8 GiB": 8, "16 GiB": 16}
STAY, SWAP, OWN_WAY = "both stay", "change places", "move their own blocks"
POLICIES = {"4 GiB": OWN_WAY, "8 GiB": SWAP, "16 GiB": STAY}
SHORT_OF = 0.95
"""a card said to have 8 GiB has a little less"""
LATENTS = 128
CALLS = 2
LARGEST_DIFFERENCE = 0.02
"""relative: in another part of memory another algorithm may be chosen, in float16"""


@dataclass(frozen=True)
class Sizes:
    """Of the networks."""

    base: UNetShape = SDXL_UNET
    refiner: UNetShape = networks.REFINER_UNET
    encoders: tuple[TextShape, ...] = (networks.CLIP_L, networks.CLIP_G)
    latents: int = LATENTS
    dtype: torch.dtype = torch.float16


class Placed(NamedTuple):
    """What one limit gave: the policy, the peak in MiB, and the two UNets' last predictions."""

    policy: str
    peak: float
    predictions: tuple[Any, Any] | None


TOO_LITTLE = Placed("out of memory", math.inf, None)


class Movable(torch.nn.Module):
    """The webui's wrapper of a UNet; counts how often it is moved (for a text's sake, too)."""

    def __init__(self, unet: torch.nn.Module):
        super().__init__()
        self.diffusion_model = unet
        self.moves = 0

    def to(self, *args: Any, **kwargs: Any) -> Movable:
        """Move."""
        self.moves += 1
        return super().to(*args, **kwargs)


class Model(torch.nn.Module):
    """A checkpoint as the extension sees it: ``model``, its UNet, and ``conditioner``, its encoders."""

    def __init__(self, unet: torch.nn.Module, encoders: list[torch.nn.Module], lowvram: bool):
        super().__init__()
        self.model = Movable(unet)
        self.conditioner = torch.nn.ModuleList(encoders)
        self.lowvram = lowvram

    def predict(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Call the UNet."""
        predicted: torch.Tensor = self.model.diffusion_model(**inputs)
        return predicted


def run_within(gibibytes: int, setting: Setting) -> Placed | None:
    """Let base and refiner take turns in so much of the device; None if it has less."""
    total = torch.cuda.get_device_properties(0).total_memory
    if total < SHORT_OF * gibibytes * GIBIBYTE:
        return None
    host.configure(setting)
    limit = min(gibibytes * GIBIBYTE, total)
    torch.cuda.set_per_process_memory_fraction(limit / total)
    with free_memory(lambda: limit - torch.cuda.memory_allocated()):
        try:
            return take_turns(setting.device, Sizes(), lowvram=gibibytes == min(LIMITS.values()))
        except torch.cuda.OutOfMemoryError:
            traceback.print_exc()
            return TOO_LITTLE


RUNS: dict[str, Callable[[Setting], Placed | None]] = {
    name: functools.partial(run_within, gibibytes) for name, gibibytes in LIMITS.items()
}


@contextlib.contextmanager
def free_memory(free: Callable[[], int]) -> Iterator[None]:
    """Have the extension take for free what ``free`` returns: a fraction is not what CUDA reports."""
    from fooocus_ext.host.machine import memory  # noqa: PLC0415 - needs the webui

    with patch.object(memory, "free_bytes", lambda _device: free()):
        yield


@torch.no_grad()
def take_turns(device: str, sizes: Sizes, *, lowvram: bool) -> Placed:
    """Do with the placement what a generation does; return what it chose."""
    from fooocus_ext.host.a1111 import weights  # noqa: PLC0415 - needs the webui

    base = _model(sizes.base, sizes.encoders, sizes, device, lowvram=lowvram)
    refiner = _model(sizes.refiner, sizes.encoders[-1:], sizes, device, lowvram=lowvram)
    if not lowvram:
        base.to(device)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    placement = weights.WeightPlacement(base, refiner)
    with placement.text_encoder_on_device():
        tokens = torch.zeros(1, 77, dtype=torch.long, device=device)
        refiner.conditioner[0](tokens)
    inputs = networks.inputs(sizes.base, sizes.latents, device, sizes.dtype)
    refined = networks.inputs(sizes.refiner, sizes.latents, device, sizes.dtype)
    moved_before = base.model.moves
    calls = 1 if lowvram else CALLS  # each takes all blocks to the device and back
    for _ in range(calls):
        first = base.predict(inputs)
    for _ in range(calls):
        placement.refiner_on_device(inputs["x"])
        second = refiner.predict(refined)
    swapped = base.model.moves > moved_before
    placement.base_on_device(None)
    if not lowvram:
        base.predict(inputs)
    peak = 0.0 if device == "cpu" else torch.cuda.max_memory_allocated() / MEBIBYTE
    policy = SWAP if swapped else OWN_WAY if lowvram else STAY
    return Placed(policy, peak, (_numbers(first), _numbers(second)))


def _numbers(tensor: torch.Tensor) -> Any:
    return tensor.float().cpu().numpy()


def _model(
    unet: UNetShape, encoders: tuple[TextShape, ...], sizes: Sizes, device: str, *, lowvram: bool
) -> Model:
    """Return a model whose weights are on the CPU."""
    drawn = networks.unet(unet, device, sizes.dtype, "cpu")
    made = [networks.text_encoder(shape, device, sizes.dtype, "cpu") for shape in encoders]
    if lowvram:
        _let_move([*_blocks(drawn), *made], device)
    return Model(drawn, list(made), lowvram)


def _blocks(unet: torch.nn.Module) -> Iterator[torch.nn.Module]:
    for child in unet.children():
        yield from child.children() if isinstance(child, torch.nn.ModuleList) else [child]


def _let_move(modules: Iterable[torch.nn.Module], device: str) -> None:
    """Have each on the device for as long as it computes, as the webui's --lowvram has."""

    def come(module: torch.nn.Module, _args: Any) -> None:
        module.to(device)

    def go(module: torch.nn.Module, _args: Any, _out: Any) -> None:
        module.to("cpu")

    for module in modules:
        module.register_forward_pre_hook(come)
        module.register_forward_hook(go)


def judge(found: Mapping[str, Placed | None], _setting: Setting) -> list[Figure]:
    """Judge the policies, the peaks, and whether all computed the same."""
    figures = []
    predictions = {
        name: placed.predictions for name, placed in found.items() if placed and placed.predictions
    }
    for name, placed in found.items():
        if placed is None:
            figures.append(not_run(name, "needs a larger card"))
            continue
        limit = LIMITS[name] * GIBIBYTE / MEBIBYTE
        figures.append(at_most(f"{name}: peak memory", placed.peak, limit, "MiB", placed.policy))
        if name not in predictions:
            continue
        unwanted = float(placed.policy != POLICIES[name])
        figures.append(at_most(f"{name}: policies other than: {POLICIES[name]}", unwanted, 0))
        figures += _compared(name, predictions)
    return figures


def _compared(name: str, predictions: Mapping[str, tuple[Any, Any]]) -> list[Figure]:
    """Judge one limit's predictions beside the largest's; the largest's own must be numbers."""
    largest = list(predictions)[-1]
    if name != largest:
        worst = max(map(_difference, predictions[name], predictions[largest]))
        title = f"{name}: difference from {largest}, relative"
        return [at_most(title, worst, LARGEST_DIFFERENCE)]
    wrong = sum(int((~np.isfinite(prediction)).sum()) for prediction in predictions[name])
    figures = [at_most(f"{name}: predictions that are no numbers", wrong, 0)]
    if len(predictions) == 1:
        title = f"{name}: difference from another limit"
        figures.append(not_run(title, "there is no other limit"))
    return figures


def _difference(found: Any, expected: Any) -> float:
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    return difference if np.isfinite(difference) else float("inf")

"""The joint bilateral filter against Fooocus's: time and peak extra memory, at latents of 1024x1024.

Both sides standardise the guidance and filter the same tensors in the same process. On a CUDA
device, where there is one, time is compared as well.

On a CPU most of the peer's time goes to memory: it takes 200 MB and more a call, which the C library gets
from the system each time and the system clears. A process that has freed much before may keep it, and the
peer is several times as fast. Both are measured where the C library (glibc) can be told to keep memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType

import torch

from benchmarks._figures import Figure, Unavailable
from benchmarks._measuring import (
    freed_memory_kept,
    interleaved_medians,
    peak_extra_bytes,
    synchronised,
)
from benchmarks._original import REQUIREMENT, load_filter
from fooocus_ext.core.anisotropic import adaptive_filter

SHAPES = ((1, 4, 128, 128), (4, 4, 128, 128))
SPEED_GOALS = {1: ">= 10", 4: ">= 15"}
ROUNDS = {1: 15, 4: 9}
TOLERANCE = 1e-5
MEBIBYTE = 2**20
PEER = f"{REQUIREMENT}, modules/anisotropic.py"


def measure() -> list[Figure]:
    """Compare at batch 1 and 4; ``filter.speedup`` and ``.memory_ratio`` are the worse of the two."""
    original = load_filter()
    speed = [_speedup(original, shape, "cpu") for shape in SHAPES]
    kept = []
    with freed_memory_kept() as is_kept:
        if is_kept:
            kept = [_without_goal(_speedup(original, shape, "cpu")) for shape in SHAPES]
    memory = [_memory_ratio(original, shape) for shape in SHAPES]
    slowest = min(speed, key=lambda figure: figure.value)
    largest = max(memory, key=lambda figure: figure.value)
    figures = [replace(slowest, key="filter.speedup"), *speed, *kept]
    figures += [replace(largest, key="filter.memory_ratio"), *memory]
    if torch.cuda.is_available():
        figures += [_speedup(original, shape, "cuda") for shape in SHAPES]
    return figures


def _sides(
    original: ModuleType, shape: tuple[int, ...], device: str
) -> dict[str, Callable[[], torch.Tensor]]:
    """Return both filters on the same tensors, after checking that they agree."""
    generator = torch.Generator().manual_seed(0)
    eps, x0 = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
    sides: dict[str, Callable[[], torch.Tensor]] = {
        "peer": lambda: original.adaptive_anisotropic_filter(eps, x0),
        "ours": lambda: adaptive_filter(eps, x0),
    }
    difference = float((sides["peer"]() - sides["ours"]()).abs().max())
    if difference > TOLERANCE:
        raise Unavailable(f"the two filters differ by {difference:.2g}: nothing to compare")
    return sides


def _speedup(original: ModuleType, shape: tuple[int, ...], device: str) -> Figure:
    sides: Mapping[str, Callable[[], object]] = _sides(original, shape, device)
    if device == "cuda":
        sides = {name: synchronised(call) for name, call in sides.items()}
    medians = interleaved_medians(sides, rounds=ROUNDS[shape[0]])
    return Figure(
        key=f"filter.{'cuda_' if device == 'cuda' else ''}speedup_{_label(shape)}",
        value=medians["peer"] / medians["ours"],
        unit="ms",
        ours=medians["ours"] * 1000,
        peer=medians["peer"] * 1000,
        peer_name=PEER,
        goal=">= 1" if device == "cuda" else SPEED_GOALS[shape[0]],
    )


def _memory_ratio(original: ModuleType, shape: tuple[int, ...]) -> Figure:
    sides = _sides(original, shape, "cpu")
    peaks = {name: peak_extra_bytes(call) / MEBIBYTE for name, call in sides.items()}
    return Figure(
        key=f"filter.memory_ratio_{_label(shape)}",
        value=peaks["ours"] / peaks["peer"],
        unit="MiB",
        ours=peaks["ours"],
        peer=peaks["peer"],
        peer_name=PEER,
        goal="<= 0.125",
    )


def _label(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)


def _without_goal(figure: Figure) -> Figure:
    key = figure.key.replace("speedup", "kept_memory_speedup")
    return replace(figure, key=key, goal="")

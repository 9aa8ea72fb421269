"""The filter of "sharpness" on the device: speed and memory beside the unfolded form, and exactness."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from fooocus_ext.core.anisotropic import (
    RADIUS,
    SIGMA_COLOR,
    SIGMA_SPACE,
    adaptive_filter,
    standardise,
)
from tools.gpu.measuring import extra_mebibytes, milliseconds
from tools.gpu.report import Figure, at_least, at_most
from tools.gpu.running import Setting

SHAPE, QUICK_SHAPE = (4, 4, 128, 128), (2, 4, 24, 24)
LARGEST_ERROR = {torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}
"""relative to the largest number: a unit in the last place of the result, and its rounding"""
ROUNDS, QUICK_ROUNDS = 20, 2
LARGEST_MEMORY_RATIO = 0.5
SMALLEST_SPEEDUP = 0.5
"""less memory is what the filter is for on a GPU; what its time comes to is for the hooks to say"""


def unfolded_filter(x: torch.Tensor, x0: torch.Tensor) -> torch.Tensor:
    """Return the filter as its definition says: every window unfolded into 169 copies of each channel."""
    batch, channels, height, width = x.shape
    size = 2 * RADIUS + 1

    def windows(planes: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(planes, (RADIUS,) * 4, mode="reflect")
        return functional.unfold(padded, size).view(batch, -1, size * size, height * width)

    guidance = standardise(x0).to(x.dtype)
    distance = (windows(guidance) - guidance.flatten(2)[:, :, None]).abs().sum(1)
    steps = torch.arange(-RADIUS, RADIUS + 1, device=x.device, dtype=x.dtype)
    space = (steps[:, None] ** 2 + steps**2).flatten()[:, None] / (2 * SIGMA_SPACE**2)
    weights = torch.exp(-space - distance**2 / (2 * SIGMA_COLOR**2))
    sums = (windows(x) * weights[:, None]).sum(2) / weights.sum(1)[:, None]
    return sums.view(batch, channels, height, width)


def check(setting: Setting) -> list[Figure]:
    """Compare in float32, float16 and bfloat16; the reference is the unfolded form in float64 on the CPU."""
    generator = torch.Generator().manual_seed(0)
    shape = QUICK_SHAPE if setting.quick else SHAPE
    noise, clean = (torch.randn(shape, generator=generator) for _ in range(2))
    figures = []
    for dtype, limit in LARGEST_ERROR.items():
        x, x0 = (values.to(dtype) for values in (noise, clean))
        expected = unfolded_filter(x.double(), x0.double())
        x, x0 = x.to(setting.device), x0.to(setting.device)
        found = adaptive_filter(x, x0)
        error = _relative_error(found.double().cpu(), expected)
        name = str(dtype).removeprefix("torch.")
        figures.append(at_most(f"{name}: largest error", error, limit))
        figures += _cost(x, x0, name, setting)
    return figures


def _relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    error = float((found - expected).abs().max() / expected.abs().max())
    return math.inf if math.isnan(error) else error


def _cost(x: torch.Tensor, x0: torch.Tensor, name: str, setting: Setting) -> list[Figure]:
    on_cuda = setting.on_cuda
    sides = {
        "unfolded": lambda: unfolded_filter(x, x0),
        "ours": lambda: adaptive_filter(x, x0),
    }
    times = milliseconds(sides, on_cuda=on_cuda, rounds=QUICK_ROUNDS if setting.quick else ROUNDS)
    memory = {side: extra_mebibytes(call, on_cuda=on_cuda) for side, call in sides.items()}
    speedup, ratio = times["unfolded"] / times["ours"], memory["ours"] / memory["unfolded"]
    figures = [
        Figure(f"{name}: time", times["ours"], "ms", note=f"unfolded {times['unfolded']:.3g} ms"),
        Figure(
            f"{name}: memory", memory["ours"], "MiB", note=f"unfolded {memory['unfolded']:.3g} MiB"
        ),
    ]
    if setting.quick:  # so small that neither says anything
        return figures
    title = f"{name}: times as fast as unfolded"
    is_judged = x.dtype == torch.float32  # of half precision, ours computes in float32 too
    return [
        *figures,
        at_least(title, speedup, SMALLEST_SPEEDUP) if is_judged else Figure(title, speedup),
        at_most(f"{name}: share of its memory", ratio, LARGEST_MEMORY_RATIO),
    ]

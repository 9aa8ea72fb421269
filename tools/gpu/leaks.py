"""Many jobs one after the other: what stays in memory of each."""

from __future__ import annotations

import torch

from tools.gpu import host
from tools.gpu.measuring import live_tensors
from tools.gpu.report import Figure, at_most
from tools.gpu.running import Setting

JOBS, SIZE, STEPS = 50, 128, 4
QUICK_JOBS, QUICK_SIZE, QUICK_STEPS = 5, 64, 3
WARM_UP = 3
MOST_TENSORS, MOST_BYTES = 0.5, 512.0
"""that may stay of a job on average: less than one latent"""


def check(setting: Setting) -> list[Figure]:
    """Make jobs with all tricks and the refiner; compare what is held after the first few and after all."""
    host.start(setting, host.flags(setting))
    quick = setting.quick
    size, steps = (QUICK_SIZE, QUICK_STEPS) if quick else (SIZE, STEPS)
    jobs = QUICK_JOBS if quick else JOBS
    settings = {**host.TRICKS, **host.refiner()}

    def make(count: int) -> tuple[int, int, int]:
        for index in range(count):
            host.make(settings, width=size, height=size, steps=steps, seed=index)
        allocated = torch.cuda.memory_allocated() if setting.on_cuda else 0
        return (*live_tensors(), allocated)

    before, after = make(WARM_UP), make(jobs)
    tensors, held, allocated = ((b - a) / jobs for a, b in zip(before, after, strict=True))
    figures = [
        Figure("jobs", jobs),
        at_most("tensors that stay, a job", tensors, MOST_TENSORS),
        at_most("bytes of tensors that stay, a job", held, MOST_BYTES, "B"),
    ]
    if setting.on_cuda:
        figures.append(at_most("bytes of the GPU that stay, a job", allocated, MOST_BYTES, "B"))
    return figures

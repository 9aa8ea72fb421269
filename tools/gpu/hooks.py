"""What the hooks of a step cost beside a step of SDXL's UNet, and how often they wait for the GPU."""

from __future__ import annotations

import contextlib
import statistics
import time
import warnings
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks._sampling import around_sampling, no_model, sampling_times
from embedded_webui.network.shapes import SDXL_UNET
from tools.gpu import host, networks
from tools.gpu.measuring import MEBIBYTE, milliseconds
from tools.gpu.report import Figure, at_least, at_most, not_run
from tools.gpu.running import Setting

SIZE, STEPS, ROUNDS = 1024, 10, 7
QUICK_SIZE, QUICK_STEPS, QUICK_ROUNDS = 128, 2, 1
SYNC_SIZE, SYNC_STEPS = 128, 10
PIXELS_PER_LATENT = 8
LARGEST_SHARE = 0.05
MOST_SYNCHRONISATIONS = 1.2
"""a step, beyond the webui's own"""
SYNCHRONISES = "synchronizing CUDA operation"


def check(setting: Setting) -> list[Figure]:
    """Measure with the model replaced by one that returns at once; count with the real one."""
    host.start(setting, host.flags(setting))
    ours = _hooks_ms(setting)
    figures = [Figure("all tricks, a step at 1024x1024", ours, "ms")]
    if not setting.on_cuda:
        figures = [Figure("all tricks, a step", ours, "ms")]
        return [*figures, not_run("share of a step of SDXL's UNet"), not_run("synchronisations")]
    without = _synchronisations(None)
    with_all = _synchronisations({**host.TRICKS, **host.refiner()})
    real, peak = _real_step(setting)
    return [
        *figures,
        Figure("a step of SDXL's UNet (2 rows, float16)", real, "ms"),
        Figure("its weights and peak memory", peak, "MiB"),
        at_most("share of that step", ours / real, LARGEST_SHARE),
        *_judged(without, with_all),
    ]


def _judged(without: int, with_all: int) -> list[Figure]:
    """Judge the synchronisations of a job without the extension and of one with everything.

    The webui's own are several a step, and remain: where fewer are counted, the counter is broken.
    """
    extra = (with_all - without) / SYNC_STEPS
    return [
        at_least("synchronisations of the webui, a job", without, SYNC_STEPS),
        at_least("synchronisations with everything, a job", with_all, without),
        at_most("synchronisations, a step", extra, MOST_SYNCHRONISATIONS),
    ]


def _hooks_ms(setting: Setting) -> float:
    quick = setting.quick
    size, steps = (QUICK_SIZE, QUICK_STEPS) if quick else (SIZE, STEPS)
    finish = torch.cuda.synchronize if setting.on_cuda else None
    with no_model(size), sampling_times(time.perf_counter, finish) as times:
        for _ in range((QUICK_ROUNDS if quick else ROUNDS) + 1):
            for settings in (None, host.TRICKS):
                host.make(settings, width=size, height=size, steps=steps)
    off, on = (statistics.median(times[start::2][1:]) for start in range(2))
    return (on - off) / steps * 1000


def _synchronisations(settings: dict[str, Any] | None) -> int:
    """Return how often the CPU waits for the GPU while one picture is sampled."""
    counts = []

    @contextlib.contextmanager
    def counted() -> Iterator[None]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield
            finally:
                torch.cuda.set_sync_debug_mode("default")
        counts.append(sum(SYNCHRONISES in str(warning.message) for warning in caught))

    request = {"width": SYNC_SIZE, "height": SYNC_SIZE, "steps": SYNC_STEPS}
    host.make(settings, **request)  # the first one loads the refiner
    with around_sampling(counted):
        host.make(settings, **request)
    return counts[0]


@torch.inference_mode()
def _real_step(setting: Setting) -> tuple[float, float]:
    """Return what a call of SDXL's UNet takes in ms, and the memory it takes in MiB."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    unet = networks.unet(SDXL_UNET, setting.device, torch.float16)
    side = SIZE // PIXELS_PER_LATENT
    given = networks.inputs(SDXL_UNET, side, setting.device, torch.float16)
    taken = milliseconds({"step": lambda: unet(**given)}, on_cuda=True, rounds=ROUNDS)["step"]
    return taken, (torch.cuda.max_memory_allocated() - before) / MEBIBYTE

"""What the inpaint engine adds to a job: the first one, which reads and patches, and those after it.

On the embedded host with Pocket SDXL and synthetic files that patch every weight of its UNet, beside the
time of a picture without the engine. The time for each weight holds for larger models, too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import _host
from benchmarks._figures import Figure
from benchmarks._measuring import one_thread

PICTURE = {"width": 256, "height": 256, "steps": 20, "seed": 1}
PICTURE_NAME = "a picture (256x256, 20 steps)"
PATCH = "inpaint_v26.fooocus.patch"
ROUNDS = 3
WEIGHTS = 32_000_000
OF_SDXL = 1.32e9
"""numbers in the published patch, a byte each"""


def measure() -> list[Figure]:
    """Measure reading and patching, a job with all in memory, and the arithmetic alone."""
    _host.start()
    with one_thread():
        picture = _seconds(lambda: _host.generate(None, **PICTURE))
        first, later = _jobs()
        each = _seconds_for_each_weight()
    return [
        Figure(
            "inpaint_engine.first_job_ratio", first / picture, "s", first, picture, PICTURE_NAME
        ),
        Figure(
            "inpaint_engine.later_job_ratio", later / picture, "s", later, picture, PICTURE_NAME
        ),
        Figure("inpaint_engine.patching_sdxl_seconds", each * OF_SDXL, "s"),
    ]


def _seconds(call: Callable[[], object]) -> float:
    """Return the median of this thread's seconds: waiting for other programs does not count."""
    taken = []
    for _ in range(ROUNDS):
        begin = time.thread_time()
        call()
        taken.append(time.thread_time() - begin)
    return statistics.median(taken)


def _jobs() -> tuple[float, float]:
    from modules import paths, shared  # noqa: PLC0415 - the host's

    from fooocus_ext.host.inpaint_engine.resident import RESIDENCE  # noqa: PLC0415

    base: Any = shared.sd_model
    _write(Path(paths.models_path, "inpaint"), base.model.diffusion_model)

    def job() -> None:
        _head, weights = RESIDENCE.acquire(base, PATCH)
        weights.make()
        weights.put_in(moves_itself=False)
        weights.take_out()

    def first_job() -> None:
        RESIDENCE.release()
        job()

    with torch.no_grad():
        return _seconds(first_job), _seconds(job)


def _write(folder: Path, unet: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    patch = {
        f"diffusion_model.{name}": (torch.zeros_like(weight, dtype=torch.uint8), -0.01, 0.01)
        for name, weight in unet.named_parameters()
    }
    torch.save(patch, folder / PATCH)
    channels = unet.input_blocks[0][0].weight.shape[0]
    torch.save({"head": torch.zeros(channels, 5, 3, 3)}, folder / "fooocus_inpaint_head.pth")


def _seconds_for_each_weight() -> float:
    """Return the time of patching one number in half precision."""
    from fooocus_ext.core.inpaint_engine import Delta, patched  # noqa: PLC0415

    weight = torch.zeros(WEIGHTS, dtype=torch.float16)
    delta = Delta(torch.zeros(WEIGHTS, dtype=torch.uint8), -0.01, 0.01)
    return _seconds(lambda: patched(weight, delta)) / WEIGHTS

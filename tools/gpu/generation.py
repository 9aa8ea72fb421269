"""One generation with all tricks and the joint refiner: half precision and full, GPU and CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tools.gpu import host
from tools.gpu.measuring import MEBIBYTE
from tools.gpu.report import Figure, at_least, at_most, not_run
from tools.gpu.running import Setting

SIZE, STEPS = 256, 20
QUICK_SIZE, QUICK_STEPS = 64, 3
HALF, FULL, ON_CPU = "half precision", "full precision", "CPU"
LARGEST_MEAN = {HALF: 1.0, FULL: 0.1}
"""of 255: half precision of Fooocus's differs from its full precision by up to 0.35"""
MOST_OF_PLAIN = 2.0
"""times as far apart as the webui's own pictures are in half precision, those with tricks may be there"""
LARGEST_MEAN_OF_WEBUI = 3.0
"""of 255: where its own pictures are further apart than this, it is broken, and no measure for others"""
SMALLEST_EFFECT = 0.5
SMALLEST_DEVIATION = 10.0
Pixels = NDArray[np.uint8]


class Pictures(NamedTuple):
    """What one process made.

    Attributes:
        plain: without the extension, uint8 [H,W,3].
        tricks: with all tricks and the refiner.
        peak: the most memory that was in use on the GPU, in MiB; None on a CPU.
    """

    plain: Pixels
    tricks: Pixels
    peak: float | None


def half(setting: Setting) -> Pictures:
    """Make the pictures on the GPU as the webui does: weights in float16, autocast."""
    return _pictures(setting, ())


def full(setting: Setting) -> Pictures:
    """Make them on the device in float32 throughout."""
    # a convolution in TF32, which torch allows, has 10 bits
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return _pictures(setting, host.FULL_PRECISION if setting.on_cuda else host.ON_CPU)


def on_cpu(setting: Setting) -> Pictures:
    """Make them on the CPU in float32."""
    return _pictures(setting, host.ON_CPU)


def _pictures(setting: Setting, flags: Sequence[str]) -> Pictures:
    host.start(setting, flags)
    size, steps = (QUICK_SIZE, QUICK_STEPS) if setting.quick else (SIZE, STEPS)
    request: dict[str, Any] = {"width": size, "height": size, "steps": steps}
    plain = host.make(None, **request).images[0]
    tricks = host.make({**host.TRICKS, **host.refiner()}, **request).images[0]
    uses_gpu = setting.on_cuda and flags != host.ON_CPU
    peak = torch.cuda.max_memory_allocated() / MEBIBYTE if uses_gpu else None
    return Pictures(np.asarray(plain), np.asarray(tricks), peak)


def judge(found: Mapping[str, Pictures], _setting: Setting) -> list[Figure]:
    """Compare what the processes made."""
    figures = []
    for name, reference in ((HALF, FULL), (FULL, ON_CPU)):
        title = f"{name} beside {reference}"
        if name in found and reference in found:
            apart = _apart(found[name].tricks, found[reference].tricks)
            of_webui = float(_apart(found[name].plain, found[reference].plain).mean())
            measure = min(of_webui, LARGEST_MEAN_OF_WEBUI) if name == HALF else 0.0
            limit = max(LARGEST_MEAN[name], MOST_OF_PLAIN * measure)
            figures += [
                at_most(f"{title}: on average", float(apart.mean()), limit, "of 255"),
                Figure(f"{title}: at most", float(apart.max()), "of 255"),
                at_most(
                    f"{title}: without the extension", of_webui, LARGEST_MEAN_OF_WEBUI, "of 255"
                ),
            ]
        else:
            figures.append(not_run(title))
    for name, made in found.items():
        effect = float(_apart(made.tricks, made.plain).mean())
        deviation = float(made.tricks.std())
        figures += [
            at_least(f"{name}: effect of all tricks", effect, SMALLEST_EFFECT, "of 255"),
            at_least(f"{name}: deviation in the picture", deviation, SMALLEST_DEVIATION, "of 255"),
        ]
        if made.peak is not None:
            figures.append(Figure(f"{name}: peak memory", made.peak, "MiB"))
    return figures


def _apart(picture: Pixels, other: Pixels) -> NDArray[np.int16]:
    difference: NDArray[np.int16] = np.abs(picture.astype(np.int16) - other.astype(np.int16))
    return difference

"""The hooks' cost per sampling step, all tricks on against no extension at all, at latents of 1024x1024.

The model call is replaced by one that returns at once. What a real step costs is measured as well:
SDXL's UNet at full size, with random weights. Its layers of equal shape share one tensor, which
changes the memory that it needs but not the arithmetic.

On a CPU all times are those of one thread while it runs, so that other programs do not count; the
real step is divided by the number of threads that torch would use.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks import _host
from benchmarks._figures import Figure
from benchmarks._measuring import interleaved_medians, one_thread
from benchmarks._sampling import no_model, sampling_times

STEPS = 10
SIZE = 1024
LATENTS = SIZE // 8
CFG_SCALE = 12.0
ALL_TRICKS = {
    "sharpness": 2.0,
    "adm_positive": 1.5,
    "adm_negative": 0.8,
    "adm_end": 0.3,
    "adaptive_cfg": 7.0,
    "expansion": False,
}
ROUNDS = 5
PART = 4
"""The real step is measured on a CPU at latents this many times smaller in each direction."""
PEER = "the same step without the extension"


def measure() -> list[Figure]:
    """Measure the steps alone, without the model, and set them against a real step."""
    sides: dict[str, Callable[[], Any]] = {
        "absent": _without,
        "off": lambda: _generate(None),
        "on": lambda: _generate(ALL_TRICKS),
    }
    with one_thread():
        _host.start()
        with no_model(SIZE), sampling_times(_clock) as times:
            interleaved_medians(sides, rounds=ROUNDS, warm_up=1)
    taken = dict(zip(sides, (times[start :: len(sides)][1:] for start in range(3)), strict=True))
    per_step = {name: statistics.median(values) / STEPS * 1000 for name, values in taken.items()}
    absent = per_step["absent"]
    real = _real_step_ms()
    return [
        *(
            Figure(key, ours - absent, "ms", ours=ours, peer=absent, peer_name=PEER)
            for key, ours in (
                ("hooks.ms_per_step", per_step["on"]),
                ("hooks.ms_per_step_when_off", per_step["off"]),
            )
        ),
        Figure(
            "hooks.share_of_step",
            (per_step["on"] - absent) / real,
            "ms",
            ours=per_step["on"] - absent,
            peer=real,
            peer_name="a step of SDXL's UNet",
            goal="<= 0.01",
        ),
    ]


def _clock() -> float:
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def _generate(settings: dict[str, Any] | None) -> None:
    _host.generate(settings, width=SIZE, height=SIZE, steps=STEPS, cfg_scale=CFG_SCALE, seed=1)


def _without() -> None:
    with _host.without_extension():
        _generate(None)


def _real_step_ms() -> float:
    """Return what one step (two rows) of SDXL's UNet takes on this machine, in milliseconds.

    On a CPU that is minutes, so the UNet runs at latents of 32x32 there, and the time is multiplied
    by how many times larger the picture is. Attention grows faster than that: it is too short rather
    than too long.
    """
    if torch.cuda.is_available():
        return _step_seconds(_full_size_unet("cuda", torch.float16), LATENTS, rounds=5) * 1000
    threads = torch.get_num_threads()
    with one_thread():
        unet = _full_size_unet("cpu", torch.float32)
        taken = _step_seconds(unet, LATENTS // PART, rounds=1)
    return taken * 1000 * PART**2 / threads


def _step_seconds(unet: torch.nn.Module, size: int, rounds: int) -> float:
    weight = next(unet.parameters())
    inputs = {
        "x": torch.randn(2, 4, size, size),
        "timesteps": torch.tensor([500.0, 500.0]),
        "context": torch.randn(2, 77, 2048),
        "y": torch.randn(2, 2816),
    }
    on_device = {name: value.to(weight) for name, value in inputs.items()}

    def step() -> None:
        with torch.inference_mode():
            unet(**on_device)
        if weight.is_cuda:
            torch.cuda.synchronize()

    warm_up = 1 if weight.is_cuda else 0
    return interleaved_medians({"step": step}, rounds=rounds, warm_up=warm_up, clock=_clock)["step"]


def _full_size_unet(device: str, dtype: torch.dtype) -> torch.nn.Module:
    from embedded_webui.network.shapes import SDXL_UNET  # noqa: PLC0415 - not on the way to a table
    from embedded_webui.network.unet import DiffusionModel  # noqa: PLC0415

    with torch.device("meta"):
        unet = DiffusionModel(SDXL_UNET)
    weights: dict[torch.Size, torch.nn.Parameter] = {}
    for module in unet.modules():
        for name, parameter in module._parameters.items():  # noqa: SLF001 - the dictionary that nn.Module assigns to
            if parameter is not None and parameter.shape not in weights:
                tensor = torch.randn(parameter.shape, device=device, dtype=dtype) * 0.02
                weights[parameter.shape] = torch.nn.Parameter(tensor, requires_grad=False)
            if parameter is not None:
                module._parameters[name] = weights[parameter.shape]  # noqa: SLF001
    unet.eval()
    return unet

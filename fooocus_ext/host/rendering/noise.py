"""Fooocus's noise: the first of a picture from the CPU, the rest from the device.

The first noise of a seed is then the same on every machine, while that of ancestral and SDE samplers is
the device's, from a generator that begins anew. A webui's one option moves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from modules import devices, rng, shared

from fooocus_ext.host.batch_noise import of_same_batch, replaced

SOURCE = "randn_source"
NVIDIA = "NV"
"""The webui's emulation of an NVIDIA GPU's noise."""
_DEVICE = "GPU"


def source_of_device_noise() -> str:
    """Return the webui's name for where noise after the first comes from, on this machine.

    That is the device, unless the user has chosen an NVIDIA GPU's noise for all machines. The webui has
    no noise of an Apple GPU; there, an NVIDIA GPU's is the one that most pictures of Fooocus have.
    """
    chosen = str(shared.opts.randn_source)
    return NVIDIA if NVIDIA in (chosen, _of_apple(devices.device)) else _DEVICE


def _of_apple(device: torch.device) -> str | None:
    return NVIDIA if device.type == "mps" else None


class PictureNoise(rng.ImageRNG):  # type: ignore[misc]  # the webui has no types
    """The noise of a batch; each picture's is that of its seed alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with _drawn_on_cpu():
            super().__init__(*args, **kwargs)

    def first(self) -> torch.Tensor:
        """Return the first noise of each picture [B,C,h,w], drawn on the CPU."""
        with _drawn_on_cpu():
            noise: torch.Tensor = super().first()
        if shared.opts.randn_source == NVIDIA or devices.device.type != "cpu":
            self.generators = [rng.create_generator(seed) for seed in self.seeds]
        return noise


@contextmanager
def _drawn_on_cpu() -> Iterator[None]:
    before = shared.opts.data.get(SOURCE)
    shared.opts.data[SOURCE] = "CPU"
    try:
        yield
    finally:
        if before is None:
            del shared.opts.data[SOURCE]
        else:
            shared.opts.data[SOURCE] = before


def like_fooocus(noise: Any) -> Any:
    """Return the noise of the same batch as Fooocus draws it."""
    return replaced(noise, lambda hosts: of_same_batch(hosts, PictureNoise))

"""Where the weights of the base and of the resident refiner are, chosen from free memory."""

from __future__ import annotations

import gc
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from modules import devices

from fooocus_ext.host.machine import memory

log = logging.getLogger("fooocus")

ENCODING = 512 * 1024**2
"""Bytes that encoding a text needs besides the weights. Half of them are what torch holds between the
weights of an SDXL base, which counts as free, and in which no weight of a text encoder finds room."""

ROUNDING = 1.1
"""How much more of the device a module can take than its weights: torch takes memory in pieces."""


@contextmanager
def room_for(checkpoint_file: str, base: Any) -> Iterator[Callable[[torch.nn.Module], None]]:
    """Keep the base's UNet on the CPU while a checkpoint is loaded that does not fit beside it.

    Yields what to call with the loaded model, so that it makes way for the base's UNet again; where
    to keep it is WeightPlacement's choice, when a generation begins.
    """
    free = memory.free_bytes(devices.device)
    needed = os.path.getsize(checkpoint_file) + memory.HEADROOM  # noqa: PTH202  (the host's string)
    if free is None or free >= needed or getattr(base, "lowvram", False):
        yield _stay
        return
    base.model.to(devices.cpu)
    devices.torch_gc()
    try:
        yield _leave_the_device
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # they hold what is half loaded
        raise
    finally:
        gc.collect()
        devices.torch_gc()
        base.model.to(devices.device)


def _stay(model: torch.nn.Module) -> None:
    """Leave a loaded model where it is: there is room for both."""


def _leave_the_device(model: torch.nn.Module) -> None:
    model.to(devices.cpu)


def _bring_own_buffers(model: torch.nn.Module) -> None:
    """Move the buffers of a model's own to the device, not those of its modules.

    SD 1.5's noise schedule is one, from which the webui makes the noise levels of a sampler. Webui 1.6
    and 1.7 leave it where the model as a whole was last sent.
    """
    for name, buffer in list(model.named_buffers(recurse=False)):
        setattr(model, name, buffer.to(devices.device))


class WeightPlacement:
    """Keeps the UNet that samples on the device.

    Three policies, chosen when the generation begins: models under the host's --medvram and
    --lowvram move themselves, module by module; with room for both, all of the refiner is on the
    device from then on; otherwise it waits on the CPU, its text encoder comes for as long as it
    encodes (the base's UNet makes way if it must), and the two UNets change places at the swap and
    after it.
    """

    def __init__(self, base: Any, refiner: Any) -> None:
        self._base = base
        self._refiner = refiner
        self._moves = False
        self._swapped = False
        free = memory.free_bytes(devices.device)
        if free is None or getattr(refiner, "lowvram", False):
            return
        absent = memory.bytes_elsewhere(refiner.parameters(), devices.device)
        self._moves = free < memory.HEADROOM + absent
        if self._moves:
            log.info("base and refiner change places: %d MiB free", free // 1024**2)
            refiner.to(devices.cpu)
        elif absent:
            refiner.to(devices.device)

    @contextmanager
    def text_encoder_on_device(self) -> Iterator[None]:
        """Have the refiner's text encoder where the host expects an active model's."""
        if not self._moves:
            yield
            return
        encoder = getattr(self._refiner, "conditioner", None) or self._refiner.cond_stage_model
        absent = memory.bytes_elsewhere(encoder.parameters(), devices.device)
        needed = int(absent * ROUNDING) + ENCODING
        base_makes_way = (memory.free_bytes(devices.device) or 0) < needed
        try:
            if base_makes_way:
                self._base.model.to(devices.cpu)
                devices.torch_gc()
            encoder.to(devices.device)
            yield
        finally:
            encoder.to(devices.cpu)
            if base_makes_way:
                self._base.model.to(devices.device)

    def refiner_on_device(self, _x: torch.Tensor) -> None:
        """Let the refiner sample."""
        if self._moves:
            self._swapped = True  # before the first move: one that fails is undone as well
            self._base.model.to(devices.cpu)
            self._refiner.model.to(devices.device)
            _bring_own_buffers(self._refiner)

    def base_on_device(self, _x: torch.Tensor | None) -> None:
        """Let the base sample. Does nothing if it already may."""
        if self._swapped:
            self._refiner.model.to(devices.cpu)
            self._base.model.to(devices.device)
            self._swapped = False

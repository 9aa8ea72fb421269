"""The weights of a UNet with the engine's deltas added, beside its own.

A weight of the UNet is never written to: while the patched one is in its place, its own lies beside it,
and taking out puts the very same one back. So nothing has to be subtracted, and nothing can be left over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from modules import devices

from fooocus_ext.core.inpaint_engine import Delta, patched
from fooocus_ext.host.inpaint_engine import loras
from fooocus_ext.host.machine import memory

log = logging.getLogger("fooocus")


class PatchedWeights:
    """A UNet's patched weights, made once and put in its place for as long as it samples.

    Where there is no room for both on the device, the weights that are not used wait on the CPU.
    """

    def __init__(self, unet: torch.nn.Module, deltas: Mapping[str, Delta]) -> None:
        self._unet = unet
        self._deltas = deltas
        self._weights = {name: w for name, w in unet.named_parameters() if name in deltas}
        self._patched: dict[str, torch.Tensor] = {}
        self._made_of: dict[str, tuple[Any, ...]] = {}
        self._own: dict[str, torch.Tensor] = {}
        self._memories: loras.LayerMemories | None = None

    def fits(self, unet: torch.nn.Module) -> bool:
        """Whether these are still the weights of a UNet, whatever is written in them."""
        now = dict(unet.named_parameters())
        return unet is self._unet and all(now.get(name) is w for name, w in self._weights.items())

    def make(self) -> int:
        """Patch the weights that have been written to since; return how many those were.

        PyTorch counts how often a tensor was written to in place: loading other weights and applying
        or removing LoRAs do so, while moving between devices does not.
        """
        loras.settle(self._unet)
        stale = 0
        for name, weight in self._weights.items():
            state = (weight._version, weight.dtype, weight.shape)  # noqa: SLF001  (documented)
            if self._made_of.get(name) != state:
                self._made_of.pop(name, None)
                self._patched[name] = patched(weight.data, self._deltas[name])
                self._made_of[name] = state
                stale += 1
        return stale

    def put_in(self, *, moves_itself: bool) -> None:
        """Have the UNet sample with the patched weights, until `take_out`.

        Args:
            moves_itself: whether the webui moves the UNet to the device piece by piece.
        """
        beside = moves_itself or self._is_room()
        self._memories = loras.LayerMemories(self._unet)
        for name, weight in self._weights.items():
            self._own[name] = weight.data if beside else weight.data.to(devices.cpu)
            if not beside:
                self._patched[name] = self._patched[name].to(devices.cpu)
            here = self._patched[name].to(weight.device)
            if beside:
                self._patched[name] = here
            weight.data = here

    def take_out(self) -> None:
        """Put the UNet's own weights back. Safe to call any number of times, also after a fault."""
        for name in list(self._own):
            weight = self._weights[name]
            weight.data = self._own[name].to(weight.device)
            del self._own[name]
        if self._memories is not None:
            self._memories.put_back()
            self._memories = None

    def model_loaded(self) -> None:
        """Leave in the UNet what is there, if the webui has read other weights into it meanwhile."""
        made_of = {name: state[0] for name, state in self._made_of.items()}
        if all(weight._version != made_of.get(name) for name, weight in self._weights.items()):  # noqa: SLF001
            self._own.clear()
            self._memories = None

    def _is_room(self) -> bool:
        free = memory.free_bytes(devices.device)
        if free is None:
            return True
        absent = memory.bytes_elsewhere(self._patched.values(), devices.device)
        if free < memory.HEADROOM + absent:
            log.info("the inpaint engine's weights change places: %d MiB free", free // 1024**2)
        return free >= memory.HEADROOM + absent

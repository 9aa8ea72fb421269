"""The webui's Lora extension, which writes LoRAs into a layer's weights when the layer is next used.

Each layer remembers which LoRAs are in its weights, and a copy of what was there before the first of
them; with another set of LoRAs that copy comes back first (A1111 1.6 to 1.10, ``extensions-builtin/Lora``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import torch
from modules import devices, shared

_MEMORY = ("network_current_names", "network_weights_backup", "network_bias_backup")
_UNSET = object()


def settle(unet: torch.nn.Module) -> None:
    """Have the LoRAs of the coming calls written into a UNet's weights now, and others taken out."""
    networks = sys.modules.get("networks")
    if networks is None or not hasattr(networks, "network_apply_weights"):
        return
    at_each_call = getattr(shared.opts, "lora_functional", False)
    if at_each_call and not networks.loaded_networks:
        return
    for layer in _layers(unet):
        if at_each_call:  # then they are no part of the weights
            networks.network_restore_weights_from_backup(layer)
            networks.network_reset_cached_weight(layer)
        else:
            _apply(networks, layer)


def _apply(networks: Any, layer: torch.nn.Module) -> None:
    """Apply LoRAs where the layer will be used: a CPU cannot multiply in half precision everywhere."""
    names = getattr(layer, "network_current_names", ())
    if not names and not networks.loaded_networks:
        return
    home = next((weight.device for weight in layer.parameters(recurse=False)), devices.device)
    is_away = home.type != devices.device.type  # under --medvram and --lowvram
    try:
        if is_away:
            layer.to(devices.device)
        networks.network_apply_weights(layer)
    finally:
        if is_away:
            layer.to(home)


class LayerMemories:
    """What the layers of a UNet remember of their LoRAs, to be put back with the weights it is about."""

    def __init__(self, unet: torch.nn.Module) -> None:
        self._remembered = [
            (layer, {name: vars(layer).get(name, _UNSET) for name in _MEMORY})
            for layer in _layers(unet)
        ]

    def put_back(self) -> None:
        """Have each layer remember what it did. Safe to call any number of times."""
        for layer, remembered in self._remembered:
            for name, value in remembered.items():
                if value is _UNSET:
                    vars(layer).pop(name, None)
                else:
                    vars(layer)[name] = value


def _layers(unet: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield the layers that LoRAs can be in: the extension has named them, and they have weights."""
    for layer in unet.modules():
        if (
            "network_layer_name" in vars(layer)
            and next(layer.parameters(recurse=False), None) is not None
        ):
            yield layer

"""What the contract tests need of a Lora extension on a webui that has none.

It does what A1111's built-in one does: a layer applies the active LoRAs to its weights when it is next
used, keeps a copy of what was there before the first of them, and restores that when others are active.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch


@dataclass
class Lora:
    """An active LoRA: what is added to a layer's weight, by the layer's name."""

    name: str
    multiplier: float
    updown: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, float]:
        return self.name, self.multiplier


class Networks(ModuleType):
    """Stands in for the extension's module of that name."""

    def __init__(self, files: dict[str, dict[str, torch.Tensor]]) -> None:
        super().__init__("networks")
        self.files = files
        self.available_networks = dict.fromkeys(files)
        self.loaded_networks: list[Lora] = []

    def network_restore_weights_from_backup(self, layer: Any) -> None:
        backup = getattr(layer, "network_weights_backup", None)
        if backup is not None:
            layer.weight.copy_(backup)

    def network_reset_cached_weight(self, layer: Any) -> None:
        layer.network_current_names = ()
        layer.network_weights_backup = None
        layer.network_bias_backup = None

    def network_apply_weights(self, layer: Any) -> None:
        wanted = tuple(lora.key for lora in self.loaded_networks)
        if getattr(layer, "network_weights_backup", None) is None and wanted:
            layer.network_weights_backup = layer.weight.detach().cpu().clone()
        if getattr(layer, "network_current_names", ()) == wanted:
            return
        self.network_restore_weights_from_backup(layer)
        for lora in self.loaded_networks:
            updown = lora.updown.get(layer.network_layer_name)
            if updown is not None:
                layer.weight.copy_(layer.weight + lora.multiplier * updown.to(layer.weight))
        layer.network_current_names = wanted


def _kind_of_tag(networks: Networks, base: type) -> Any:
    class ExtraNetworkLora(base):  # type: ignore[misc]
        def activate(self, p: Any, params_list: list[Any]) -> None:
            networks.loaded_networks[:] = [
                Lora(params.items[0], float(params.items[1]), networks.files[params.items[0]])
                for params in params_list
            ]

        def deactivate(self, p: Any) -> None:
            pass

    return ExtraNetworkLora("lora")


@contextmanager
def installed(host: Any, files: dict[str, dict[str, torch.Tensor]]) -> Iterator[None]:
    """Have the extension on a webui without one. ``files``: each LoRA's summands by the layer's name."""
    networks = Networks(files)
    tags = host.modules.extra_networks
    before = tags.extra_network_registry["lora"]
    unet = host.modules.shared.sd_model.model

    def apply(layer: Any, _args: Any) -> None:
        networks.network_apply_weights(layer)

    def reset(layer: Any, *_args: Any) -> None:
        networks.network_reset_cached_weight(layer)

    with ExitStack() as stack:
        sys.modules["networks"] = networks
        stack.callback(sys.modules.pop, "networks")
        tags.register_extra_network(_kind_of_tag(networks, tags.ExtraNetwork))
        stack.callback(tags.register_extra_network, before)
        for name, layer in unet.named_modules():
            if isinstance(getattr(layer, "weight", None), torch.nn.Parameter):
                layer.network_layer_name = name.replace(".", "_")
                stack.callback(_forget, networks, layer)
                stack.callback(layer.register_forward_pre_hook(apply).remove)
                stack.callback(layer.register_load_state_dict_pre_hook(reset).remove)
        yield


def _forget(networks: Networks, layer: Any) -> None:
    with torch.no_grad():
        networks.network_restore_weights_from_backup(layer)
    for name in [name for name in vars(layer) if name.startswith("network_")]:
        delattr(layer, name)

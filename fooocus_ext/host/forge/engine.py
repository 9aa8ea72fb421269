"""What the engines of the family have each for themselves, under one set of names.

Forge keeps its engine in ``backend``; reForge and Forge Classic keep theirs in ``ldm_patched``.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from fooocus_ext.host.machine import versions

if TYPE_CHECKING:
    import torch


class Engine(Protocol):
    """An engine of the family. A patcher is its handle on a network, with hooks and LoRAs of its own."""

    @property
    def size_number_dtype(self) -> torch.dtype:
        """The dtype in which it rounds SDXL's size numbers before embedding them."""

    @property
    def storage(self) -> Hashable:
        """In what numbers it stores the weights of a UNet that it loads now; something to compare."""

    @property
    def loaded_models(self) -> list[Any]:
        """The live list of what its memory manager has loaded."""

    def sigmas(self, unet: Any) -> torch.Tensor:
        """Return the noise level of each timestep, rising, of a UNet's patcher."""

    def prediction(self, unet: Any) -> str:
        """Return what the model behind a UNet's patcher predicts, in the engine's own word."""

    def sampling_prepare(self, unet: Any, x: torch.Tensor) -> None:
        """Have a UNet's patcher ready to sample latents like ``x`` [rows,C,h,w]."""

    def sampling_cleanup(self, unet: Any) -> None:
        """Undo `sampling_prepare`; where the weights stay is the memory manager's choice."""

    def read(self, info: Any) -> Mapping[str, Any]:
        """Read the checkpoint of a CheckpointInfo, so far as `load` needs it read; at least its names."""

    def load(self, info: Any, state_dict: Mapping[str, Any]) -> Any:
        """Return the host's model object of a checkpoint, which `read` has read.

        Raises RequestError if the host does not know this kind of model.
        """


GUIDED = frozenset({"epsilon", "v_prediction", "eps"})
"""What a model may predict so that guidance means the same as in Fooocus, in the engines' words."""


@functools.cache
def engine() -> Engine:
    """Return this webui's engine; the other one's modules are never imported."""
    if versions.has_forge_backend():
        from fooocus_ext.host.forge.backend import Backend

        return Backend()
    from fooocus_ext.host.forge.ldm_patched import LdmPatched

    return LdmPatched()


def nearest_timestep(sigmas: torch.Tensor, sigma: torch.Tensor) -> int:
    """Return the timestep 0..999 of a noise level: that of the nearest level, by its log.

    This is what the engines tell their models (Forge dfdcbab, reForge 3b56b26, Classic 1f95d71).

    Args:
        sigmas: the level of each timestep, float32 [1000].
        sigma: a level, of any device, [].
    """
    return int((sigmas.log() - sigma.to(sigmas).log()).abs().argmin())

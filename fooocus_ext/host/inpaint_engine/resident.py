"""The engine kept in memory, so that a second job neither reads its files nor patches weights again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fooocus_ext.core.inpaint_engine import Delta
from fooocus_ext.errors import RequestError
from fooocus_ext.host.inpaint_engine import files
from fooocus_ext.host.inpaint_engine.patched_weights import PatchedWeights
from fooocus_ext.host.machine import model_kinds

log = logging.getLogger("fooocus")

_Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class _Engine:
    """What the files hold.

    Attributes:
        made_of: the state of the files, and the shapes of the UNet's weights that they were checked for.
        head: the kernel [C,1 + L,3,3].
        deltas: by the weight's name in the UNet; a byte for each number, 1.3 GB for SDXL.
    """

    made_of: tuple[_Stamp, _Stamp, tuple[tuple[str, torch.Size], ...]]
    head: torch.Tensor
    deltas: dict[str, Delta]


class Residence:
    """The one place in memory for an engine. Its patched weights are of one base at a time."""

    def __init__(self) -> None:
        self._engine: _Engine | None = None
        self._weights: PatchedWeights | None = None

    def acquire(self, base: Any, patch: str) -> tuple[torch.Tensor, PatchedWeights]:
        """Return the head of the engine, and the patched weights of a base, which are not in it yet.

        Args:
            base: the webui's SDXL base.
            patch: the file name of the engine's patch.

        Raises:
            RequestError: a file is missing, broken, hostile, or made for another UNet.
        """
        unet = model_kinds.unet_of(base)
        engine = self._of(unet, patch)
        if self._weights is None or not self._weights.fits(unet):
            self._drop_weights()
            self._weights = PatchedWeights(unet, engine.deltas)
        return engine.head, self._weights

    def _of(self, unet: torch.nn.Module, patch: str) -> _Engine:
        head, deltas = files.folder() / files.HEAD, files.folder() / patch
        shapes = {name: weight.shape for name, weight in unet.named_parameters()}
        made_of = (_stamp(head), _stamp(deltas), tuple(shapes.items()))
        if self._engine is None or self._engine.made_of != made_of:
            self.release()
            kernel = files.read_head(head)
            _check_head(head, kernel, unet)
            self._engine = _Engine(made_of, kernel, files.read_patch(deltas, shapes))
            log.info("the inpaint engine %s is resident", patch)
        return self._engine

    def release(self) -> None:
        """Free the engine. A base that samples with it gets its own weights back."""
        self._drop_weights()
        self._engine = None

    def model_loaded(self, model: Any) -> None:
        """Note that the webui has loaded a model, or something of one; it may be another than before."""
        if self._weights is None:
            return
        if self._weights.fits(model_kinds.unet_of(model)):
            self._weights.model_loaded()
        else:
            self._drop_weights()

    def _drop_weights(self) -> None:
        if self._weights is not None:
            self._weights.take_out()
            self._weights = None


RESIDENCE = Residence()
"""The webui has one active model in a process, and so there is one engine."""


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError as error:
        raise RequestError(
            f'engine: the file "{path}" cannot be read ({error.strerror}); allowed: "auto", "None".'
        ) from error
    return str(path), found.st_mtime_ns, found.st_size


def _check_head(path: Path, head: torch.Tensor, unet: Any) -> None:
    first = unet.get_submodule("input_blocks.0.0").weight
    wanted = (first.shape[0], first.shape[1] + 1)
    if tuple(head.shape[:2]) != wanted:
        raise RequestError(
            f'engine: the file "{path}" cannot be used: its kernel is {list(head.shape)}, but the base '
            f'needs {[*wanted, 3, 3]}; allowed: "None", or an SDXL base.'
        )

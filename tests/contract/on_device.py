"""The embedded host on the strict device: whole generations as on a GPU, where CUDA would refuse nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch

from tests.contract.hosts import Host, Result
from tests.strict_device import StrictDevice, Synchronisation

_CACHES = ("cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc")


@dataclass
class Call:
    """One call of a sampler's model, callbacks included.

    Attributes:
        waits: what the CPU waited for.
        uploads: what it sent to the device.
        is_autocast: whether autocast is on after it.
    """

    waits: list[Synchronisation]
    uploads: list[Synchronisation]
    is_autocast: bool


@dataclass
class HostOnDevice:
    """A host whose active model is on the strict device.

    Attributes:
        host: the host.
        device: the device.
        moves_itself: whether the host moves its models piece by piece (--medvram, --lowvram).
        calls: of the last generation.
    """

    host: Host
    device: StrictDevice
    moves_itself: bool = False
    calls: list[Call] = field(default_factory=list)

    def run(self, fooocus: Any = None, **request: Any) -> Result:
        """Generate as `Host.run` does."""
        with self._watching():
            return self.host.run(fooocus, **request)

    def post(self, path: str, body: Any) -> Result:
        """Send a body as `Host.post` does."""
        with self._watching():
            return self.host.post(path, body)

    def generate(self, fooocus: Any = None, **request: Any) -> Result:
        """Like `run`, but the generation must succeed."""
        result = self.run(fooocus, **request)
        assert result.status == 200, result.body
        return result

    @contextmanager
    def _watching(self) -> Iterator[None]:
        for waits in (self.device.synchronisations, self.device.uploads, self.calls):
            waits.clear()
        denoiser = self.host.modules.sd_samplers_cfg_denoiser.CFGDenoiser
        forward = denoiser.forward
        kinds = self.device.synchronisations, self.device.uploads

        def watched(*args: Any, **kwargs: Any) -> Any:
            before = [len(kind) for kind in kinds]
            out = forward(*args, **kwargs)
            waits, uploads = (kind[count:] for kind, count in zip(kinds, before, strict=True))
            self.calls.append(Call(waits, uploads, torch.is_autocast_enabled()))
            return out

        with patch.object(denoiser, "forward", watched):
            yield


@contextmanager
def on_device(
    host: Host, *, dtype: torch.dtype = torch.float32, free: int = 2**40, flag: str | None = None
) -> Iterator[HostOnDevice]:
    """Have the host's device be a strict one, and its active base there in a dtype.

    ``free`` is what the device says is free; ``flag`` is "medvram" or "lowvram". At the end all is as it
    was, and no other checkpoint is resident.
    """
    device = StrictDevice(free=free, autocast_dtype=dtype)
    with ExitStack() as stack:
        stack.enter_context(_no_resident())
        stack.enter_context(_conditioning_forgotten(host))
        stack.enter_context(_devices(host, dtype))
        stack.enter_context(_requests(host, device.active))
        if flag is not None:
            stack.enter_context(patch.object(host.modules.shared.cmd_opts, flag, True))
        with device.active():
            stack.enter_context(_loaded(host))
        yield HostOnDevice(host, device, moves_itself=flag is not None)


@contextmanager
def _no_resident() -> Iterator[None]:
    from fooocus_ext.host.inpaint_engine import resident as engines
    from fooocus_ext.host.refiner import resident as refiners

    with ExitStack() as stack:
        for residence in (refiners.RESIDENCE, engines.RESIDENCE):
            residence.release()
            stack.callback(residence.release)
        yield


@contextmanager
def _conditioning_forgotten(host: Host) -> Iterator[None]:
    """Have no conditioning cached that is on another device than the model."""
    processing = host.modules.processing
    kinds = (processing.StableDiffusionProcessing, processing.StableDiffusionProcessingTxt2Img)
    with ExitStack() as stack:
        for kind in kinds:
            for name in set(_CACHES) & set(vars(kind)):
                stack.enter_context(patch.object(kind, name, [None, None]))
        yield


@contextmanager
def _devices(host: Host, dtype: torch.dtype) -> Iterator[None]:
    devices, cuda = host.modules.devices, torch.device("cuda")
    with ExitStack() as stack:
        for place in (devices, host.modules.shared):
            stack.enter_context(patch.object(place, "device", cuda))
        for name in ("dtype", "dtype_unet", "dtype_inference"):
            stack.enter_context(patch.object(devices, name, dtype))
        stack.enter_context(patch.object(devices, "torch_gc", lambda: None))
        yield


@contextmanager
def _requests(host: Host, active: Callable[[], Any]) -> Iterator[None]:
    """Have the host's threads that answer requests see the device."""
    process_images = host.modules.processing.process_images

    def processed(p: Any) -> Any:
        with active():
            made = process_images(p)
            assert not torch.is_autocast_enabled(), "left on"
            return made

    name = process_images.__name__
    importers = [m for m in list(sys.modules.values()) if vars(m).get(name) is process_images]
    with ExitStack() as stack:
        for module in importers:
            stack.enter_context(patch.object(module, name, processed))
        yield


@contextmanager
def _loaded(host: Host) -> Iterator[None]:
    """Have the base loaded anew, as the host loads it onto this device, and its own back at the end."""
    from fooocus_ext.host.a1111.second_model import HostModelState

    models, state = host.modules.sd_models, HostModelState()
    info = models.model_data.sd_model.sd_checkpoint_info
    models.model_data.sd_model = None
    models.model_data.loaded_sd_models.clear()
    try:
        models.load_model(info)
        yield
    finally:
        host.modules.lowvram.send_everything_to_cpu()
        state.restore()

"""The embedded host on the strict device: whole generations as on a GPU, where CUDA would refuse nothing."""

from __future__ import annotations

import contextlib
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
    """What the CPU waited for in one call of a sampler's model, callbacks included."""

    waits: list[Synchronisation]
    uploads: list[Synchronisation]


@dataclass
class HostOnDevice:
    """A host whose active model is on the strict device.

    Attributes:
        host: the host.
        device: the device.
        calls: of the last generation.
    """

    host: Host
    device: StrictDevice
    calls: list[Call] = field(default_factory=list)

    def run(self, fooocus: Any = None, **request: Any) -> Result:
        """Generate as `Host.run` does."""
        for waits in (self.device.synchronisations, self.device.uploads, self.calls):
            waits.clear()
        with self._watching():
            return self.host.run(fooocus, **request)

    def generate(self, fooocus: Any = None, **request: Any) -> Result:
        """Like `run`, but the generation must succeed."""
        result = self.run(fooocus, **request)
        assert result.status == 200, result.body
        return result

    @contextmanager
    def _watching(self) -> Iterator[None]:
        denoiser = self.host.modules.sd_samplers_cfg_denoiser.CFGDenoiser
        forward = denoiser.forward
        kinds = self.device.synchronisations, self.device.uploads

        def watched(*args: Any, **kwargs: Any) -> Any:
            before = [len(kind) for kind in kinds]
            out = forward(*args, **kwargs)
            waits = (kind[count:] for kind, count in zip(kinds, before, strict=True))
            self.calls.append(Call(*waits))
            return out

        with patch.object(denoiser, "forward", watched):
            yield


@contextmanager
def on_device(
    host: Host, *, dtype: torch.dtype = torch.float32, free: int = 2**40
) -> Iterator[HostOnDevice]:
    """Have the host's device be a strict one, its active model there in a dtype, and ``free`` bytes.

    At the end all is as it was, and no other checkpoint is resident.
    """
    device = StrictDevice(free=free, autocast_dtype=dtype)
    with ExitStack() as stack:
        stack.enter_context(_no_resident())
        stack.enter_context(_conditioning_forgotten(host))
        stack.enter_context(_devices(host, dtype))
        stack.enter_context(_requests(host, device.active))
        with device.active():
            stack.enter_context(_moved(host, dtype))
        yield HostOnDevice(host, device)


@contextmanager
def _no_resident() -> Iterator[None]:
    from fooocus_ext.host.inpaint_engine import resident as engines
    from fooocus_ext.host.refiner import resident as refiners

    with contextlib.ExitStack() as stack:
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
        yield


@contextmanager
def _requests(host: Host, active: Callable[[], Any]) -> Iterator[None]:
    """Have the host's threads that answer requests see the device."""
    api = host.modules.api.api.Api
    answer = api._generate

    def answered(*args: Any, **kwargs: Any) -> Any:
        with active():
            return answer(*args, **kwargs)

    with patch.object(api, "_generate", answered):
        yield


@contextmanager
def _moved(host: Host, dtype: torch.dtype) -> Iterator[None]:
    """Have the active model on the device, in a dtype as the host has it: the schedule stays exact."""
    model = host.modules.shared.sd_model
    weights = [(weight, weight.data) for weight in model.parameters()]
    buffers = [(m._buffers, dict(m._buffers)) for m in model.modules()]
    names = ("alphas_cumprod_original", "cond_stage_model_empty_prompt")
    others = {name: getattr(model, name) for name in names}
    schedule = model.alphas_cumprod
    model.to(device="cuda", dtype=dtype)
    model.first_stage_model.to(dtype=host.modules.devices.dtype_vae)
    model.alphas_cumprod = model.alphas_cumprod_original = schedule.to("cuda")
    with host.modules.devices.autocast(), torch.no_grad():
        model.cond_stage_model_empty_prompt = host.modules.sd_models.get_empty_cond(model)
    try:
        yield
    finally:
        for weight, data in weights:
            weight.data = data
        for place, tensors in buffers:
            place.update(tensors)
        vars(model).update(others)

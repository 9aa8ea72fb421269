"""The strict device itself: how functions of torch come to it, and what it remembers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from weakref import WeakValueDictionary

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.strict_device import rules
from tests.strict_device.memory import (
    CPU,
    CUDA,
    is_marked,
    is_unnumbered,
    mark,
    names_device,
    tensors_in,
)

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = str(ROOT / "fooocus_ext")
_NOT_WHERE = (__file__, str(Path(torch.__file__).parent))

_READS: dict[Any, Callable[[bool], Any]] = {
    torch.Tensor.device.__get__: lambda here: CUDA if here else CPU,
    torch.Tensor.is_cuda.__get__: lambda here: here,
    torch.Tensor.is_cpu.__get__: lambda here: not here,
    torch.Tensor.get_device: lambda here: 0 if here else -1,
}
_NAMES_A_DEVICE = (torch.device, torch._C._nn._parse_to)
_TO_NUMPY = (torch.Tensor.numpy, torch.Tensor.__array__)
_READS_NUMBERS = (torch.tensor, torch.as_tensor, torch.asarray)
_MOVING = (torch.Tensor.to, torch.Tensor.type_as)
_LIKE_ITS_OWN = (torch.Tensor.new_tensor, torch.Tensor.new, torch.Tensor.__deepcopy__)
"""Make a tensor on the device of their first argument, past the operations."""


@dataclass(frozen=True)
class Synchronisation:
    """The CPU waited for the device.

    Attributes:
        what: for which operation.
        where: the file and line that asked for it, below the project's folder if it is there.
        is_ours: whether that is in the extension.
    """

    what: str
    where: str
    is_ours: bool


@dataclass
class StrictDevice:
    """A device beside the CPU, named "cuda", on which what CUDA or MPS refuses is refused.

    Attributes:
        free: bytes that it says are free.
        autocast_dtype: what ``torch.autocast("cuda")`` casts to.
        synchronisations: in order, since it was made; those for which numbers come from the device.
        uploads: those for which they go there.
        unnumbered: where a tensor was wanted on "cuda" without a number: of several GPUs on the current one.
        largest: bytes of the largest memory that was taken there at once.
    """

    free: int = 2**40
    autocast_dtype: torch.dtype = torch.bfloat16
    synchronisations: list[Synchronisation] = field(default_factory=list)
    uploads: list[Synchronisation] = field(default_factory=list)
    unnumbered: list[Synchronisation] = field(default_factory=list)
    largest: int = 0
    _taken: WeakValueDictionary[int, Any] = field(default_factory=WeakValueDictionary)

    @property
    def held(self) -> int:
        """Bytes there that something still holds."""
        return sum(storage.nbytes() for storage in self._taken.values())

    @contextmanager
    def active(self) -> Iterator[StrictDevice]:
        """Be there, for the calls of this thread."""
        with ExitStack() as stack:
            for place, name, stand_in in self._stand_ins():
                stack.enter_context(patch.object(place, name, stand_in))
            operations = _Operations(self)
            stack.enter_context(operations)
            stack.enter_context(_Functions(self, operations))
            yield self

    def note(self, what: str) -> None:
        """Remember that the CPU waits, and who made it."""
        frames = [*_frames()]
        where = next((f for f in frames if not f[0].startswith(_NOT_WHERE)), ("?", 0))
        path = where[0].removeprefix(f"{ROOT}/")
        is_ours = where[0].startswith(PRODUCT)
        found = Synchronisation(what, f"{path}:{where[1]}", is_ours)
        if what == rules.UNNUMBERED:
            self.unnumbered.append(found)
        elif what.startswith(rules.UPLOAD):
            self.uploads.append(found)
        else:
            self.synchronisations.append(found)

    def place(self, tensor: torch.Tensor, *, here: bool) -> None:
        """Have a tensor's memory be here, or the CPU's."""
        mark(tensor, on_device=here)
        if here:
            storage = tensor.untyped_storage()
            self._taken[storage._cdata] = storage
            self.largest = max(self.largest, storage.nbytes())

    def _stand_ins(self) -> list[tuple[Any, str, Any]]:
        """Return what takes the place of torch's own: (where, its name, what)."""
        autocast, is_enabled = torch.autocast, torch.is_autocast_enabled
        set_enabled = torch.set_autocast_enabled

        def autocast_here(device_type: str, dtype: Any = None, **given: Any) -> Any:
            if device_type == "cuda":
                return autocast("cpu", dtype=dtype or self.autocast_dtype, **given)
            return autocast(device_type, dtype=dtype, **given)

        def is_enabled_here(_device_type: str | None = None) -> bool:
            return is_enabled("cpu")

        def set_enabled_here(*device_type_and_enabled: Any) -> None:
            set_enabled("cpu", device_type_and_enabled[-1])

        def memory_here(device: Any = None) -> tuple[int, int]:
            is_named = device is not None and not isinstance(device, int)
            if is_named and torch.device(device).index is None:  # as torch up to 2.4 refuses it
                raise ValueError(
                    f"Expected a torch.device with a specified index or an integer, but got:{device}"
                )
            return self.free, self.free

        def nothing(*_args: Any) -> int:
            return 0

        return [
            (torch, "Generator", _Generator),
            (torch, "autocast", autocast_here),
            (torch, "is_autocast_enabled", is_enabled_here),
            (torch, "set_autocast_enabled", set_enabled_here),
            (torch.cuda, "mem_get_info", memory_here),
            (torch.cuda, "device", lambda *_: nullcontext()),
            (torch.cuda, "current_device", lambda: 0),
            *(
                (torch.cuda, name, nothing)
                for name in ("memory_reserved", "memory_allocated", "empty_cache", "ipc_collect")
            ),
        ]


def _frames() -> Iterator[tuple[str, int]]:
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


class _Generator(torch.Generator):
    """A generator of either device."""

    is_on_device: bool

    def __new__(cls, device: Any = "cpu") -> Any:
        generator = super().__new__(cls, device="cpu")
        generator.is_on_device = bool(names_device(device))
        return generator

    @property
    def device(self) -> torch.device:
        return CUDA if self.is_on_device else CPU


class _Functions(TorchFunctionMode):
    """Sees what a program asks for: devices by name, reads of a tensor's device."""

    def __init__(self, device: StrictDevice, operations: _Operations) -> None:
        super().__init__()
        self._device = device
        self._operations = operations

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _READS:
            return _READS[func](is_marked(args[0]))
        if func in _NAMES_A_DEVICE:
            return func(*args, **kwargs)
        given = [*tensors_in(args, kwargs)]
        is_given_ours = any(map(is_marked, given))
        self._refuse_or_note(func, args, is_given_ours)
        wanted = _wanted(func, args, kwargs)
        if func is torch.Tensor.cuda or any(map(is_unnumbered, (*args, kwargs.get("device")))):
            self._device.note(rules.UNNUMBERED)
        _check_generator(kwargs.get("generator"), wanted, is_given_ours)
        args = tuple(_on_cpu(value) for value in args)
        kwargs = {name: _on_cpu(value) for name, value in kwargs.items()}
        if func is torch.Tensor.cuda:
            args, func = (args[0], "cpu"), torch.Tensor.to
        place = is_given_ours if wanted is None else wanted
        with self._operations.making_on(place):
            result = func(*args, **kwargs)
        if func in _LIKE_ITS_OWN and wanted is None:
            wanted = is_given_ours
        return result if wanted is None else self._on(wanted, func, result, given)

    def _refuse_or_note(self, func: Any, args: tuple[Any, ...], is_ours: bool) -> None:
        if not is_ours:
            return
        if func in _TO_NUMPY:
            raise TypeError(
                f"can't convert {CUDA} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                "to host memory first."
            )
        if func is torch.Tensor.tolist or func is torch.tensor:
            self._device.note("reads numbers")

    def _on(self, wanted: bool, func: Any, result: Any, given: list[torch.Tensor]) -> Any:
        """Return a result that is on the device that was asked for."""
        if not isinstance(result, torch.Tensor) or is_marked(result) == wanted:
            return result
        if wanted:
            rules.check_dtype(result)
        if given:
            self._device.note(rules.UPLOAD if wanted else rules.DOWNLOAD)
        elif func in _READS_NUMBERS:
            self._device.note(f"{rules.UPLOAD} numbers")
        moved = result.detach().clone().requires_grad_(result.requires_grad)
        self._device.place(moved, here=wanted)
        return moved


def _wanted(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
    """Return whether a call asks for the strict device (True), the CPU (False), or neither (None)."""
    if func is torch.Tensor.cpu:
        return False
    if func is torch.Tensor.cuda:
        return True
    if func in _MOVING:
        like = kwargs.get("other", args[1] if len(args) > 1 else None)
        if isinstance(like, torch.Tensor):
            return is_marked(like)
        named = names_device(like)
        return names_device(kwargs.get("device")) if named is None else named
    named = names_device(kwargs.get("device"))
    devices = [names_device(value) for value in args if isinstance(value, torch.device)]
    return named if named is not None else next(iter(devices), None)


def _on_cpu(value: Any) -> Any:
    is_name = isinstance(value, (str, torch.device))
    return CPU if is_name and names_device(value) else value


def _check_generator(generator: Any, wanted: bool | None, is_given_ours: bool) -> None:
    if generator is None:
        return
    expected = is_given_ours if wanted is None else wanted
    if getattr(generator, "is_on_device", False) != expected:
        names = ("cpu", "cuda")
        raise RuntimeError(
            f"Expected a '{names[expected]}' device type for generator but found "
            f"'{names[not expected]}'"
        )


class _Operations(TorchDispatchMode):
    """Sees every operation: checks the devices of what goes in, and marks what comes out."""

    def __init__(self, device: StrictDevice) -> None:
        super().__init__()
        self._device = device
        self._place = False

    @contextmanager
    def making_on(self, place: bool) -> Iterator[None]:
        """Have operations without a tensor make theirs on the strict device (True) or the CPU."""
        before, self._place = self._place, place
        try:
            yield
        finally:
            self._place = before

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [*tensors_in(args, kwargs)]
        is_ours = any(map(is_marked, tensors))
        if is_ours:
            rules.check_operation(func)
        rules.check_devices(func, args, tensors)
        what = rules.wait_of(func, args, tensors)
        if what is not None:
            self._device.note(what)
        storages = {tensor.untyped_storage()._cdata for tensor in tensors}
        place = is_ours if tensors else self._place
        result = func(*args, **kwargs)
        for made in tensors_in(result):
            if place:
                rules.check_dtype(made)
            if made.untyped_storage()._cdata not in storages:
                self._device.place(made, here=place)
        return result

"""What the soak puts into a webui as a second extension: a route that tells the memory it holds."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import Any

import torch
from modules import script_callbacks


def _status() -> dict[str, int]:
    """Return the resident memory in bytes: all of it, and of that what no file backs."""
    text = Path("/proc/self/status").read_text("utf-8")
    lines = dict(line.split(":", 1) for line in text.splitlines())
    return {key: int(lines[key].split()[0]) * 1024 for key in ("VmRSS", "RssAnon")}


def memory(trim: bool = False) -> dict[str, int]:
    """Return the live tensors' number and bytes, each storage once, and the resident memory.

    With ``trim``, the C library first gives back to the system what it keeps for later.
    """
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    storages = {}
    for each in tensors:
        if each.device.type != "meta" and each.layout == torch.strided:
            storages[each.untyped_storage().data_ptr()] = each.untyped_storage().nbytes()
    if trim:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return {"tensors": len(tensors), "bytes": sum(storages.values()), **_status()}


def _add_route(_demo: Any, app: Any) -> None:
    app.get("/soak/memory")(memory)


script_callbacks.on_app_started(_add_route)

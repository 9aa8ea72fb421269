"""Files that are whole or not there, and checkpoints that are the same bytes wherever they are written.

The safetensors library keeps a file's metadata in a hash map whose order changes with the process, so two
runs give two files, and two hashes in the pictures' infotexts. Here everything comes in a fixed order.
"""

from __future__ import annotations

import json
import math
import os
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

Shape = tuple[int, ...]
DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.int16: "I16"}
"""what checkpoints consist of, and what safetensors calls it"""
ZEROS = torch.float16
"""the dtype of tensors that are left as holes"""
ALIGNMENT = 8
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
"""Seconds before each new try to replace a file that is open elsewhere."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `path` when the block ends, and vanishes if the block fails.

    Other processes may write the same file at the same time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        replace_file(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def replace_file(source: Path, target: Path) -> None:
    """Put a file in the place of another in one step.

    Windows refuses that while either of them is open elsewhere, as virus scanners and readers have files
    open for a moment; it is asked again there for about a second.

    Raises:
        OSError: it is refused still, or cannot be.
    """
    for pause in _PAUSES if os.name == "nt" else ():
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    source.replace(target)


def write_safetensors(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str],
    zeros: Mapping[str, Shape] | None = None,
) -> None:
    """Write a safetensors file whose bytes depend on nothing but what is in it.

    As in the library's own files, the widest numbers come first, so that all are aligned, and then names
    in order. `zeros` names float16 tensors that are all zero: where the file system can, they take no room.
    """
    shapes = {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}
    shapes |= {name: (shape, ZEROS) for name, shape in (zeros or {}).items()}
    order = sorted(shapes, key=lambda name: (-shapes[name][1].itemsize, name))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name in order:
        shape, dtype = shapes[name]
        begin, end = end, end + math.prod(shape) * dtype.itemsize
        header[name] = {
            "dtype": DTYPES[dtype],
            "shape": list(shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with whole(path) as unfinished, unfinished.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            if name in tensors:
                file.write(tensors[name].contiguous().numpy().tobytes())
            else:
                file.seek(math.prod(shapes[name][0]) * ZEROS.itemsize, os.SEEK_CUR)
        file.truncate(8 + len(text) + end)

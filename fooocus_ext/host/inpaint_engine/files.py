"""The user's files of Fooocus's inpaint engine: which there are, and what is in them.

They are pickles. They are read without running anything of theirs, and only in the form in which
PyTorch has written files since 1.6: an archive of plain, uncompressed parts. Its older forms (a tar, a
bare pickle) and TorchScript are refused, because some versions of PyTorch run code from them all the same.
"""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import torch
from modules import paths

from fooocus_ext.args import NONE
from fooocus_ext.core.inpaint_engine import Delta
from fooocus_ext.edit import ENGINES
from fooocus_ext.errors import RequestError

HEAD = "fooocus_inpaint_head.pth"
BEST = [*ENGINES.values()][-1]
SIZES: Mapping[str, str] = {HEAD: "52 kB", BEST: "1.3 GB"}
PREFIX = "diffusion_model."
"""What comes before a weight's name in the UNet."""
_PART = re.compile(r"[^/]+/(data\.pkl|data/\d+|version|byteorder|\.[\w/]+)")


def folder() -> Path:
    """Return where the files belong."""
    return Path(paths.models_path) / "inpaint"


def missing(*names: str) -> str:
    """Return what is not there of some files, where it belongs, and how large it is; empty if all are."""
    absent = [name for name in names if not (folder() / name).is_file()]
    told = [f"{name} ({SIZES[name]})" if name in SIZES else name for name in absent]
    # No more of the folder: pictures that are given away carry this text.
    where = "/".join(folder().parts[-2:])
    return f"{' and '.join(told)} missing in {where}" if told else ""


def best() -> str:
    """Return the best of the patches that are there; the best of all if none is."""
    best_first = reversed([*ENGINES.values()])
    return next((name for name in best_first if (folder() / name).is_file()), BEST)


def read_head(path: Path) -> torch.Tensor:
    """Return the head's kernel [C,1 + L,3,3].

    Raises:
        RequestError: the file cannot be read, or is no head; says what is wrong.
    """
    content = _read(path)
    head = content.get("head") if isinstance(content, Mapping) else None
    if not _is_plain(head) or head.dim() != 4 or tuple(head.shape[2:]) != (3, 3):
        _refuse(path, 'it has no kernel "head" [channels,5,3,3]')
    if not head.is_floating_point() or not bool(torch.isfinite(head).all()):
        _refuse(path, "its kernel has values that are no numbers")
    return head.float()


def read_patch(path: Path, shapes: Mapping[str, torch.Size]) -> dict[str, Delta]:
    """Return the deltas of a patch by the weight's name in the UNet.

    Args:
        path: the file.
        shapes: of the UNet's weights. What the UNet has not got is left out.

    Raises:
        RequestError: the file cannot be read, is no patch, or is one for another UNet; says what is wrong.
    """
    content = _read(path)
    if not isinstance(content, Mapping) or not content:
        _refuse(path, "it is no patch")
    deltas = {}
    for key, entry in content.items():
        name = str(key).removeprefix(PREFIX)
        if str(key).startswith(PREFIX) and name in shapes:
            deltas[name] = _delta(path, name, entry, shapes[name])
    if len(deltas) * 2 < len(content):
        _refuse(
            path, f"{len(content) - len(deltas)} of its {len(content)} weights are not the base's"
        )
    return deltas


def _delta(path: Path, name: str, entry: object, shape: torch.Size) -> Delta:
    if not isinstance(entry, (tuple, list)) or len(entry) != 3:
        _refuse(path, f"{name} is not three values: levels, least, most")
    levels, *bounds = entry
    if not _is_plain(levels) or levels.dtype != torch.uint8:
        _refuse(path, f"the levels of {name} are not in 8 bits")
    if levels.shape != shape:
        _refuse(path, f"{name} is {list(levels.shape)}, but the base's is {list(shape)}")
    least, most = (_number(bound) for bound in bounds)
    if not (math.isfinite(least) and math.isfinite(most) and least <= most):
        _refuse(path, f"the range of {name} is {least} to {most}")
    return Delta(levels.contiguous(), least, most)


def _number(bound: object) -> float:
    """Return a bound as a number; NaN if it is none."""
    if isinstance(bound, torch.Tensor) and _is_plain(bound) and bound.numel() == 1:
        return float(bound)
    return float(bound) if isinstance(bound, (int, float)) else math.nan


def _is_plain(value: Any) -> TypeGuard[torch.Tensor]:
    return (
        isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized
    )


def _read(path: Path) -> object:
    """Return what is in a file of PyTorch's, which may hold nothing but plain values and tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
        strange = [each.filename for each in parts if not _PART.fullmatch(each.filename)]
        if strange or any(each.compress_type != zipfile.ZIP_STORED for each in parts):
            _refuse(path, "it is no plain archive of tensors")
        # The webui replaces ``torch.load`` by a check of its own, which prints and returns nothing for a
        # bad file; this is the original, and stricter.
        return torch.serialization.load(path, map_location="cpu", weights_only=True)
    except (RequestError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise _unreadable(path, "it holds more than plain values and tensors") from error
    except Exception as error:  # whatever a broken file makes the reader raise
        raise _unreadable(path, str(error).partition("\n")[0] or type(error).__name__) from error


def _refuse(path: Path, what: str) -> NoReturn:
    raise _unreadable(path, what)


def _unreadable(path: Path, what: str) -> RequestError:
    return RequestError(
        f'engine: the file "{path}" cannot be used: {what}; allowed: Fooocus\'s own {HEAD} and '
        f'{", ".join(ENGINES.values())}, or "{NONE}".'
    )

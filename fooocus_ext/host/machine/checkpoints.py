"""The webui's checkpoints: their titles, the names that users write, and what files tell unloaded."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
from modules import sd_models, shared

from fooocus_ext.args import NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import model_kinds
from fooocus_ext.images import area
from fooocus_ext.presets.aspect_ratios import AspectRatio, parse_size
from fooocus_ext.presets.file_names import AvailableFiles, spellings

log = logging.getLogger("fooocus")

SMALL = 512
"""pixels; models trained for smaller pictures than this make nothing of SDXL's sizes"""


def sdxl_bases() -> list[str]:
    """Return the titles of the installed SDXL base models, the active one first.

    Only safetensors files are looked into; a checkpoint in another format counts as SDXL if its name
    says so.
    """
    titles = [info.title for info in checkpoints() if _is_sdxl_base(info)]
    chosen = sd_models.get_closet_checkpoint_match(shared.opts.sd_model_checkpoint or "")
    return sorted(titles, key=lambda title: chosen is None or title != chosen.title)


def or_first_base(title: str) -> str:
    """Return the title of a checkpoint; where it is empty, of the first SDXL base model, if there is one."""
    return title or next(iter(sdxl_bases()), "")


def active() -> str:
    """Return the title of the host's checkpoint: its first, until one is chosen."""
    first = (info.title for info in sd_models.checkpoints_list.values())
    return shared.opts.sd_model_checkpoint or next(first, "")


def checkpoints() -> list[Any]:
    """Return what the host knows of each checkpoint, in the order of its lists."""
    return [sd_models.checkpoint_aliases[title] for title in sd_models.checkpoint_tiles()]


def names() -> list[str]:
    """Return the choices of a checkpoint dropdown, "None" first."""
    return [NONE, *sd_models.checkpoint_tiles()]


def closest(name: str) -> Any:
    """Return what the host knows of the checkpoint that a name, as users write it, means; None if none."""
    found = map(sd_models.get_closet_checkpoint_match, spellings(name))
    return next((info for info in found if info is not None), None)


def known_name(name: str) -> str | None:
    """Return one of the host's own names of a checkpoint, as its options need it; None if it has none."""
    known = sd_models.checkpoint_aliases
    return next((written for written in spellings(name) if written in known), None)


def title(name: str) -> str:
    """Return the dropdown's choice for a checkpoint named in an infotext; as it is if unknown."""
    info = closest(name) if name != NONE else None
    return name if info is None else str(info.title)


def unknown(field: str, name: str, titles: Sequence[str], *others: str) -> RequestError:
    """Return the refusal of a name that means no checkpoint.

    Args:
        field: the argument that has it.
        name: as users wrote it.
        titles: of the checkpoints that are allowed; the nearest are offered.
        others: what else is allowed.
    """
    hint = AvailableFiles(titles).did_you_mean(name)
    return RequestError(
        f'{field}: there is no checkpoint "{name}"{hint}; {allowed([*others, *titles])}'
    )


def allowed(names: Iterable[str]) -> str:
    """Return the end of a refusal: what is allowed."""
    return "allowed: " + ", ".join(f'"{name}"' for name in names) + "."


def stated_size(title: str) -> AspectRatio | None:
    """Return the picture size a checkpoint was trained for, if its file states one.

    Files do so in their header, under ModelSpec's `modelspec.resolution`, such as ``1024x1024``. What
    the host has read of it is not asked: reForge forgets that when it loads a model.
    """
    info = sd_models.checkpoint_aliases.get(title)
    header = None if info is None else _header_of(Path(info.filename))
    return None if header is None else parse_size(header.resolution)


def small_size(title: str) -> dict[str, int]:
    """Return the stated width and height of a checkpoint for small pictures; nothing for all others."""
    size = stated_size(title)
    if size is None or max(size.width, size.height) >= SMALL:
        return {}
    return {"width": size.width, "height": size.height}


def side(title: str) -> int:
    """Return the side, in pixels, of a square with the area in which a checkpoint makes pictures."""
    small = small_size(title)
    if not small:
        return area.SIDE
    return area.rounded_side((small["width"], small["height"]))


def _is_sdxl_base(info: Any) -> bool:
    path = Path(info.filename)
    if path.suffix != ".safetensors":
        return "xl" in path.stem.lower() and "refiner" not in path.stem.lower()
    header = _header_of(path)
    return header is not None and header.kind == (model_kinds.SDXL, False)


class _Header(NamedTuple):
    """What the header of a safetensors file tells.

    Attributes:
        kind: (kind, is an SDXL refiner); None if it is no checkpoint.
        resolution: the picture size that it states; empty if it states none.
    """

    kind: tuple[str, bool] | None
    resolution: str


def _header_of(path: Path) -> _Header | None:
    """Return what a file's header tells; None for another format and for a file that cannot be read."""
    if path.suffix != ".safetensors":
        return None
    try:
        return _read_header(str(path), path.stat().st_mtime_ns)
    except OSError:
        return None


@functools.lru_cache(maxsize=1024)
def _read_header(path: str, _modified: int) -> _Header | None:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            kind = model_kinds.of_checkpoint(dict.fromkeys(file.keys()))
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        log.warning("%s cannot be read: %s", path, error)
        return None
    return _Header(kind, metadata.get("modelspec.resolution", ""))

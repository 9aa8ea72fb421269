"""Which of the files that are here a name means: Fooocus's files, webuis' titles and users' names differ.

A file may be named with a folder or without, with its ending or without, and with the hash that webuis
show behind a checkpoint's title.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from fooocus_ext.errors import nearest_names

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""Of files with a model's weights; the first is nearly every file's."""
# Windows leaves out blanks before the first dot, and takes raised digits for digits.
_OF_SYSTEM = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL)


def belongs_to_system(name: str) -> bool:
    """Whether Windows keeps a file's name for a device, with whatever ending."""
    return _OF_SYSTEM.fullmatch(name) is not None


def match_file(wanted: str, available: Iterable[str]) -> str | None:
    """Return the entry of ``available`` that means the file ``wanted``, or None.

    Folders, the ending and the case do not count, nor does the `` [hash]`` of checkpoint titles.
    An entry that is equal to the letter is preferred.
    """
    stem = file_stem(wanted)
    best = None
    for entry in available:
        if entry == wanted:
            return entry
        if best is None and file_stem(entry) == stem:
            best = entry
    return best


def nearest_files(wanted: str, available: Iterable[str]) -> str:
    """Return ``' (nearest there: "a")'`` with entries that resemble a file's name, or nothing."""
    entry_of = {file_stem(entry): entry for entry in available}
    near = [f'"{entry_of[stem]}"' for stem in nearest_names(file_stem(wanted)[:200], entry_of)]
    return f" (nearest there: {', '.join(near)})" if near else ""


def file_stem(name: str) -> str:
    """Return a model file's bare, case-folded name: no folder, no ending, no `` [hash]``."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    if bare.endswith("]"):
        bare = bare.rpartition(" [")[0] or bare
    for ending in ENDINGS:
        if bare.casefold().endswith(ending):
            return PurePosixPath(bare[: -len(ending)]).name.casefold()
    return bare.casefold()

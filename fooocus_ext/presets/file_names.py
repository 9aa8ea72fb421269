"""Which of the files that are here a name means: Fooocus's files, webuis' titles and users' names differ.

A file may be named with a folder or without, with its ending or without, and with the hash that webuis
show behind a checkpoint's title.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from fooocus_ext.errors import nearest_names

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""Of files with a model's weights; the first is nearly every file's."""
_MOST_NEAR = 3


class AvailableFiles:
    """The files that are here, ready for many names to be looked up among them."""

    def __init__(self, available: Iterable[str]) -> None:
        self._entries = dict.fromkeys(available)
        self._by_stem: dict[str, list[str]] = {}
        self._by_place: dict[tuple[str, str], str] = {}
        for entry in self._entries:
            stem = file_stem(entry)
            self._by_stem.setdefault(stem, []).append(entry)
            self._by_place.setdefault((_folder(entry), stem), entry)

    def match(self, wanted: str) -> str | None:
        """Return the entry that means the file ``wanted``, or None.

        The ending, the case and the `` [hash]`` of checkpoint titles do not count. An entry that is equal
        to the letter is preferred, then one in the same folder. A folder that is named but not here, as
        in presets of others, does not count either, unless several files could be meant.
        """
        if wanted in self._entries:
            return wanted
        folder, stem = _folder(wanted), file_stem(wanted)
        there = self._by_place.get((folder, stem))
        elsewhere = self._by_stem.get(stem, ())
        if there is None and elsewhere and (len(elsewhere) == 1 or not folder):
            return elsewhere[0]
        return there

    def nearest(self, wanted: str) -> str:
        """Return ``' (nearest there: "a")'`` with entries that resemble a file's name, or nothing."""
        stems = nearest_names(file_stem(wanted)[:200], self._by_stem)
        near = [f'"{entry}"' for stem in stems for entry in self._by_stem[stem]][:_MOST_NEAR]
        return f" (nearest there: {', '.join(near)})" if near else ""


def match_file(wanted: str, available: Iterable[str]) -> str | None:
    """Return the entry of ``available`` that means the file ``wanted``, or None (see ``AvailableFiles``)."""
    return AvailableFiles(available).match(wanted)


def file_stem(name: str) -> str:
    """Return a model file's bare, case-folded name: no folder, no ending, no `` [hash]``."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    if bare.endswith("]"):
        bare = bare.rpartition(" [")[0] or bare
    for ending in ENDINGS:
        if bare.casefold().endswith(ending):
            return PurePosixPath(bare[: -len(ending)]).name.casefold()
    return bare.casefold()


def spellings(name: str) -> tuple[str, str, str]:
    """Return the ways to write a file's name: a webui's titles have its system's separator of folders."""
    return name, name.replace("\\", "/"), name.replace("/", "\\")


def _folder(name: str) -> str:
    """Return the folder that a file is named with, as it compares on every system; empty without one."""
    return name.replace("\\", "/").rpartition("/")[0].casefold()

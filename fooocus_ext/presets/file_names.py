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
_MOST_NEAR = 3
_HASH = re.compile(r" \[[0-9a-f]{8,64}\]\Z", re.IGNORECASE)
"""What a webui shows behind a checkpoint's name: of an old kind 8 digits, of SHA-256 10 or all."""


class AvailableFiles:
    """The files that are here, ready for many names to be looked up among them."""

    def __init__(self, available: Iterable[str]) -> None:
        self._entries = dict.fromkeys(available)
        self._by_path: dict[str, str] = {}
        self._by_stem: dict[str, list[str]] = {}
        for entry in self._entries:
            self._by_path.setdefault(file_path(entry), entry)
            self._by_stem.setdefault(file_stem(entry), []).append(entry)

    def match(self, wanted: str) -> str | None:
        """Return the entry that means the file ``wanted``, or None.

        The ending, the case and the `` [hash]`` of checkpoint titles do not count. An entry that is equal
        to the letter is preferred, then one that is so but for the hash, then one in the same folder,
        then one whose bare name is equal to the letter. A folder that is named but not here, as in
        presets of others, does not count either, unless several files could be meant.
        """
        if wanted in self._entries:
            return wanted
        path = file_path(wanted)
        if path in self._by_path:
            return self._by_path[path]
        folder, alike = _folder(path), self._by_stem.get(file_stem(path), [])
        there = [entry for entry in alike if _folder(entry) == folder]
        to_the_letter = [entry for entry in there or alike if _bare(entry) == _bare(path)]
        found = to_the_letter or there or alike
        is_clear = there or not folder or len(found) == 1
        return found[0] if found and is_clear else None

    def nearest(self, wanted: str) -> str:
        """Return ``' (nearest there: "a")'`` with entries that resemble a file's name, or nothing."""
        near = self._nearest(wanted)
        return f" (nearest there: {', '.join(near)})" if near else ""

    def did_you_mean(self, wanted: str) -> str:
        """Return ``' (did you mean "a" or "b"?)'`` likewise."""
        near = self._nearest(wanted)
        return f" (did you mean {' or '.join(near)}?)" if near else ""

    def _nearest(self, wanted: str) -> list[str]:
        """Return a few entries, quoted, whose stems resemble a name's: endings are alike anyway."""
        stems = nearest_names(file_stem(wanted)[:200], self._by_stem)
        return [f'"{entry}"' for stem in stems for entry in self._by_stem[stem]][:_MOST_NEAR]


def match_file(wanted: str, available: Iterable[str]) -> str | None:
    """Return the entry of ``available`` that means the file ``wanted``, or None (see ``AvailableFiles``)."""
    return AvailableFiles(available).match(wanted)


def file_path(name: str) -> str:
    """Return a model file's name as Fooocus writes it: its folder before ``/``; no `` [hash]``."""
    return _HASH.sub("", name).replace("\\", "/")


def file_stem(name: str) -> str:
    """Return a model file's bare, case-folded name: no folder, no ending, no `` [hash]``."""
    return _bare(name).casefold()


def _bare(name: str) -> str:
    """Return a model file's name without folder, ending and `` [hash]``."""
    bare = file_path(name).rpartition("/")[2]
    for ending in ENDINGS:
        if bare.casefold().endswith(ending):
            return PurePosixPath(bare[: -len(ending)]).name
    return bare


def spellings(name: str) -> tuple[str, str, str]:
    """Return the ways to write a file's name: a webui's titles have its system's separator of folders."""
    return name, name.replace("\\", "/"), name.replace("/", "\\")


def _folder(name: str) -> str:
    """Return the folder that a file is named with, as it compares on every system; empty without one."""
    return name.replace("\\", "/").rpartition("/")[0].casefold()

"""The pictures that jobs start from: each is kept once, however many jobs start from it."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection
from pathlib import Path

from fooocus_ext.data_files import write_whole

log = logging.getLogger("fooocus")

_NAME = re.compile(r"[0-9a-f]{64}")


class Pictures:
    """Contents of picture files by their SHA-256; the caller sees to it that one thread at a time uses it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep them in a folder, or in memory if there is none."""
        self._folder = folder
        self._in_memory: dict[str, bytes] = {}

    def keep(self, content: bytes) -> str:
        """Keep a picture; return its name. It is there whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        name = hashlib.sha256(content).hexdigest()
        if self._folder is None:
            self._in_memory[name] = content
            return name
        file = self._folder / name
        if not file.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
        return name

    def read(self, name: str) -> bytes | None:
        """Return a picture; None if it is not here any more."""
        if not _NAME.fullmatch(name):  # names come from stored jobs
            return None
        try:
            return (
                self._in_memory.get(name)
                if self._folder is None
                else (self._folder / name).read_bytes()
            )
        except OSError:
            return None

    def forget_others(self, needed: Collection[str]) -> None:
        """Remove all pictures but those that are needed."""
        for name in [name for name in self._in_memory if name not in needed]:
            del self._in_memory[name]
        for file in self._files():
            if _NAME.fullmatch(file.name) and file.name not in needed:
                try:
                    file.unlink()
                except OSError as error:  # it is tried again with the next job that ends
                    log.warning("a picture that no job needs is not removed: %s", error)

    def _files(self) -> list[Path]:
        try:
            return [] if self._folder is None else list(self._folder.iterdir())
        except OSError:  # there is none yet, or it is closed to us
            return []

"""The size with which each request came, before a script of the page sets another."""

from __future__ import annotations

import weakref
from typing import Any


class AskedSizes:
    """(width, height) in pixels by request, kept beside the requests: nothing is written on them.

    (Other extensions turn the attributes of requests into JSON, and copy them.) An entry goes with its
    request; a copy of a request has none.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], tuple[int, int]]] = {}

    def note(self, p: Any) -> None:
        """Remember the size that ``p`` has now."""
        key = id(p)
        reference = weakref.ref(p, lambda _dead: self._entries.pop(key, None))
        self._entries[key] = (reference, (p.width, p.height))

    def of(self, p: Any) -> tuple[int, int] | None:
        """Return the size that ``p`` came with; None if that is not known."""
        reference, size = self._entries.get(id(p), (None, None))
        return size if reference is not None and reference() is p else None

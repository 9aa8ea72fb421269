"""What is remembered of each request from one hook to a later one."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class ByRequest(Generic[Value]):
    """A value by request, kept beside the requests: nothing is written on them.

    (Other extensions turn the attributes of requests into JSON, and copy them.) An entry goes with its
    request; a copy of a request has none.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Value]] = {}

    def note(self, p: Any, value: Value) -> None:
        """Remember a value of ``p``, in place of an earlier one."""
        key = id(p)
        reference = weakref.ref(p, lambda _dead: self._entries.pop(key, None))
        self._entries[key] = (reference, value)

    def of(self, p: Any) -> Value | None:
        """Return the value of ``p``; None if it has none."""
        reference, value = self._entries.get(id(p), (None, None))
        return value if reference is not None and reference() is p else None

    def take(self, p: Any) -> Value | None:
        """Return the value of ``p``, and forget it; None if it has none."""
        value = self.of(p)
        self._entries.pop(id(p), None)
        return value

"""Taking the place of one attribute of one object of the host's, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_ITS_CLASS = object()


@contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    """Have ``value`` in place of the attribute ``name`` of ``target``.

    What the object had of its own comes back, or what it had of its class.
    """
    before = vars(target).get(name, _OF_ITS_CLASS)
    setattr(target, name, value)
    try:
        yield
    finally:
        if before is _OF_ITS_CLASS:
            delattr(target, name)
        else:
            setattr(target, name, before)

"""Stands in for tqdm, where it is not installed: a bar that nobody sees."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

PACKAGE = "tqdm"


class Bar:
    """Goes through what it is given, and shows nothing."""

    def __init__(self, iterable: Iterable[Any] = (), *_args: Any, **_kwargs: Any) -> None:
        self._iterable = iterable
        self.total: Any = None

    def __iter__(self) -> Iterator[Any]:
        """Go through it."""
        return iter(self._iterable)

    def update(self, *_args: Any) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Leave nothing to show."""


def span(*bounds: int, **_kwargs: Any) -> Bar:
    """Return a bar over a range."""
    return Bar(range(*bounds))


def install() -> None:
    """Stand in from now on, in this process, if the package is not there."""
    if PACKAGE in sys.modules or importlib.util.find_spec(PACKAGE) is not None:
        return
    for name in (PACKAGE, f"{PACKAGE}.auto"):
        module = ModuleType(name)
        vars(module).update(tqdm=Bar, trange=span, __path__=[])
        sys.modules[name] = module

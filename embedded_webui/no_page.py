"""Stands in for the packages of page and API, where one picture is made and neither is wanted.

They take longer to import than everything else, and a picture needs none of what they do. Whatever is
asked of a stand-in is a class that takes everything.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

PACKAGES = ("gradio", "fastapi", "starlette", "pydantic", "uvicorn", "httpx")
GRADIO_VERSION = "3.41.2"
"""what they say theirs is: gradio's in the webui"""


class _Kind(type):
    """The class of the classes: an attribute that they have not got is another such class."""

    def __getattr__(cls, name: str) -> Any:
        made = _make(name)
        setattr(cls, name, made)
        return made

    def __getitem__(cls, _key: object) -> Any:
        return cls

    def __or__(cls, _other: object) -> Any:
        return cls

    __ror__ = __or__


class Anything(metaclass=_Kind):
    """Takes every argument, keeps those with names as attributes, and is a context and a decorator."""

    value: Any = None

    def __init__(self, *_args: Any, **kwargs: Any) -> None:
        vars(self).update(kwargs)

    def __init_subclass__(cls, **_kwargs: Any) -> None:
        """Take the arguments of a class statement."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what is decorated, or another."""
        decorates = len(args) == 1 and callable(args[0]) and not kwargs
        return args[0] if decorates else Anything()

    def __getattr__(self, name: str) -> Any:
        """Return another."""
        return _make(name)()

    def __enter__(self) -> Any:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let errors through."""

    def __iter__(self) -> Iterator[Any]:
        """Return nothing."""
        return iter(())


def _make(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Kind(name, (Anything,), {})


class HTTPException(Exception):  # noqa: N818 - fastapi's name
    """A refused request; says why."""

    def __init__(self, status_code: int = 500, detail: Any = None, **_kwargs: Any) -> None:
        super().__init__(detail)
        self.status_code, self.detail = status_code, detail


REAL: Mapping[str, Any] = {"HTTPException": HTTPException, "__version__": GRADIO_VERSION}
"""what is caught as an exception, or compared"""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for each of the packages, and for each module of theirs."""

    def find_spec(self, name: str, *_where: object) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the modules that are stood in for."""
        if name.partition(".")[0] not in PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Let the module have every name."""
        vars(module)["__path__"] = []
        vars(module)["__getattr__"] = lambda name: REAL[name] if name in REAL else _make(name)


def install() -> None:
    """Stand in from now on, in this process.

    Raises:
        RuntimeError: one of the packages has been imported already.
    """
    loaded = sorted(set(PACKAGES) & set(sys.modules))
    if loaded:
        raise RuntimeError(f"too late: {', '.join(loaded)} is loaded already")
    sys.meta_path.insert(0, _Finder())

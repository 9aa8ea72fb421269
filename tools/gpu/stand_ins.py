"""Stands in for packages that the embedded webui imports, for its page and its API, and that are not there.

A picture needs none of what they do. Whatever is asked of them is a class that takes everything. They
take the place of the packages also where those are installed, so that a check is the same everywhere.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

PAGE = ("gradio", "fastapi", "starlette", "pydantic", "uvicorn", "httpx")
TOKENIZER = "instant_clip_tokenizer"
GRADIO = "3.41.2"
"""the version that they say they are: the webui's gradio"""
FIRST_BYTE, LAST_BYTE = ord("!"), ord("~")
END_OF_WORD = 256


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


class Tokenizer:
    """CLIP's tokens of single characters, which are its first 512: no word is a token of its own."""

    def encode(self, text: str) -> list[int]:
        """Return token ids of the ASCII characters of a text."""
        ids: list[int] = []
        for word in text.lower().split():
            bytes_ = [byte for byte in word.encode() if FIRST_BYTE <= byte <= LAST_BYTE]
            letters = [byte - FIRST_BYTE for byte in bytes_]
            ids += [*letters[:-1], *(letter + END_OF_WORD for letter in letters[-1:])]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids that `encode` gave."""
        return "".join(
            chr(FIRST_BYTE + id_ % END_OF_WORD) + " " * (id_ >= END_OF_WORD) for id_ in ids
        )


REAL = {"HTTPException": HTTPException, "Tokenizer": Tokenizer, "__version__": GRADIO}
"""what is caught as an exception, or does something"""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for each of the packages, and for each module of theirs."""

    def find_spec(self, name: str, *_where: object) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the modules that are stood in for."""
        if name.partition(".")[0] not in (*PAGE, TOKENIZER):
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
    loaded = sorted({*PAGE, TOKENIZER} & set(sys.modules))
    if loaded:
        raise RuntimeError(f"too late: {', '.join(loaded)} is loaded already")
    sys.meta_path.insert(0, _Finder())

"""Types for argparse: what is wrong with a command line is said in a line, before anything is computed.

All raise ArgumentTypeError, with what was got and what is allowed.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path


def file_to_write(text: str) -> Path:
    """The path of a file that can be written; like its folder, it need not be there yet."""
    path = _writable(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}, which is a folder; allowed: a file")
    return path


def folder_to_write(text: str) -> Path:
    """The path of a folder that can be written to; it need not be there yet."""
    path = _writable(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}, which is no folder; allowed: a folder")
    return path


def folder_to_read(text: str) -> Path:
    """The path of a folder that is there."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}; allowed: a folder that is there")
    return path


def file_to_read(text: str) -> Path:
    """The path of a file that is there."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"got {text}; allowed: a file that is there")
    return path


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"got {text}; allowed: a number above 0")
    return number


def png_file(text: str) -> Path:
    """The path of a picture that can be written, and is to be a PNG."""
    path = Path(text)
    if path.suffix.lower() != ".png" or path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}; allowed: a file whose name ends in .png")
    return file_to_write(text)


def at_least(smallest: int) -> Callable[[str], int]:
    """Return the type of a whole number that is not below `smallest`, which is 0 or more."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < smallest:
            raise argparse.ArgumentTypeError(
                f"got {text}; allowed: a whole number that is at least {smallest}"
            )
        return int(text)

    return read


def _writable(text: str) -> Path:
    path = Path(text)
    places = (path, *path.absolute().parents)
    there = next(place for place in places if os.access(place, os.F_OK))
    if not os.access(there, os.W_OK) or not (there == path or there.is_dir()):
        raise argparse.ArgumentTypeError(f"got {text}; {there} cannot be written to")
    return path

"""Where a command line says that something is to be written, checked before there is anything to write."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def file_to_write(text: str) -> Path:
    """The path of a file, which, like its folder, need not be there yet.

    For argparse: raises ArgumentTypeError if the file could not be written.
    """
    path = _writable(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}, which is a folder; allowed: a file")
    return path


def folder_to_write(text: str) -> Path:
    """The path of a folder, which need not be there yet; raises ArgumentTypeError as `file_to_write`."""
    path = _writable(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"got {text}, which is no folder; allowed: a folder")
    return path


def _writable(text: str) -> Path:
    path = Path(text)
    places = (path, *path.absolute().parents)
    there = next(place for place in places if os.access(place, os.F_OK))
    if not os.access(there, os.W_OK) or not (there == path or there.is_dir()):
        raise argparse.ArgumentTypeError(f"got {text}; {there} cannot be written to")
    return path

"""Reading single files of an expansion model, within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fooocus_ext.data_files import MEBIBYTE, DataFileError, parse_json, read_text

MAX_TEXT_BYTES = 64 * MEBIBYTE


class ExpansionModelError(Exception):
    """The folder of an expansion model cannot be used; the message is one line and names the file."""


def broken(path: Path, reason: object) -> ExpansionModelError:
    """Return the error that says why a file cannot be used."""
    first_line = (
        str(reason).strip().splitlines()[0] if str(reason).strip() else type(reason).__name__
    )
    return ExpansionModelError(f"{path} cannot be used: {first_line}")


def _text_of(path: Path) -> str:
    try:
        return read_text(path, limit=MAX_TEXT_BYTES)
    except DataFileError as error:
        raise broken(path, error) from error


def read_lines(path: Path) -> tuple[str, ...]:
    """Return a file's lines in lower case, each once. Raises ExpansionModelError."""
    lines = (line.strip().lower() for line in _text_of(path).splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object. Raises ExpansionModelError, for hostile ones too."""
    text = _text_of(path)
    try:
        content = parse_json(text)
    except DataFileError as error:
        raise broken(path, error) from error
    if not isinstance(content, dict):
        raise broken(path, "not a JSON object")
    return content

"""The files of an expansion model's folder: which there must be, and reading them one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fooocus_ext.data_files import MEBIBYTE, DataFileError, parse_json, read_text

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
TOKENIZER_FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"))
FOOOCUS_WORDS, OWN_WORDS, OWN_PHRASES = "positive.txt", "words.txt", "phrases.txt"
OWN_FACETS = "facets.txt"
MAX_TEXT_BYTES = 64 * MEBIBYTE


class ExpansionModelError(Exception):
    """The folder of an expansion model cannot be used; the message is one line and names the file."""


def missing_file(folder: Path) -> str | None:
    """Return the name of a file that ``folder`` lacks to be an expansion model, None if it has all."""
    present = (
        {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    )
    if "config.json" not in present:
        return "config.json"
    if not present & set(WEIGHT_FILES):
        return " or ".join(reversed(WEIGHT_FILES))
    if not any(present.issuperset(files) for files in TOKENIZER_FILES):
        return TOKENIZER_FILES[0][0]
    if OWN_WORDS in present:
        return None if OWN_PHRASES in present else OWN_PHRASES
    return None if FOOOCUS_WORDS in present else FOOOCUS_WORDS


def require_files(folder: Path) -> None:
    """Raise ExpansionModelError if a file of the model is missing."""
    if not folder.is_dir():
        raise ExpansionModelError(f"{folder} is not a folder")
    missing = missing_file(folder)
    if missing:
        raise ExpansionModelError(f"{missing} is missing in {folder}")


def broken(path: Path, reason: object) -> ExpansionModelError:
    """Return the error that a file cannot be used."""
    first_line = (
        str(reason).strip().splitlines()[0] if str(reason).strip() else type(reason).__name__
    )
    return ExpansionModelError(f"{path} cannot be used: {first_line}")


def text_of(path: Path) -> str:
    """Return a file's text. Raises ExpansionModelError."""
    try:
        return read_text(path, limit=MAX_TEXT_BYTES)
    except DataFileError as error:
        raise broken(path, error) from error


def lines_of(path: Path) -> tuple[str, ...]:
    """Return a file's lines in lower case, without empty ones and repetitions. Raises ExpansionModelError."""
    lines = (line.strip().lower() for line in text_of(path).splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def json_of(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises ExpansionModelError."""
    text = text_of(path)
    try:
        content = parse_json(text)
    except DataFileError as error:
        raise broken(path, error) from error
    if not isinstance(content, dict):
        raise broken(path, "not a JSON object")
    return content

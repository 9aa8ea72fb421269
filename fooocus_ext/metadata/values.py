"""Single values as Fooocus writes them: Python literals in strings, parsed by their exact shape.

Nothing is ever evaluated. Readers raise ``DataFileError`` with a sentence that says what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fooocus_ext.data_files import DataFileError
from fooocus_ext.limits import MAX_ITEMS
from fooocus_ext.original_texts import MAX_TEXTS
from fooocus_ext.readers import name, names, number, text, whole

MAX_SOURCE_LENGTH = 300_000
"""Characters that a picture's text may have in all."""
_LITERAL_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_LITERAL_LIST = re.compile(rf"\s*\[\s*(?:(?:{_LITERAL_TEXT})\s*(?:,\s*|(?=\])))*\]\s*", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}

long_text = text(100_000)
"""Reads a prompt."""


def figure(minimum: float, maximum: float) -> Callable[[object], float]:
    """Return a reader of a number, or of one in a string."""
    read = number(minimum, maximum)
    return lambda value: read(_unquoted_number(value))


def whole_figure(minimum: int, maximum: int) -> Callable[[object], int]:
    """Return a reader of a whole number of up to 20 digits, or of one in a string."""

    def read(value: object) -> int:
        # Seeds do not fit into a float.
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,20}\s*", value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        return whole(minimum, maximum)(_unquoted_number(value))

    return read


def _unquoted_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,20}(\.\d{0,20})?\s*", value):
        return float(value)
    return value


def figures(count: int, minimum: float, maximum: float) -> Callable[[object], tuple[float, ...]]:
    """Return a reader of ``(1.5, 0.8, 0.3)`` in a string, or of a list of that many numbers."""
    read = figure(minimum, maximum)

    def read_all(value: object) -> tuple[float, ...]:
        items: object = value
        if isinstance(value, str) and len(value) < MAX_ITEMS:
            items = [item.strip(" '\"") for item in value.strip(" ()[]").split(",")]
        if not isinstance(items, (list, tuple)) or len(items) != count:
            raise DataFileError(f"It must be {count} numbers.")
        return tuple(read(item) for item in items)

    return read_all


def size(value: object) -> tuple[int, int]:
    """Read ``(1152, 896)`` or ``1152x896`` in a string, or two numbers: width and height in pixels."""
    if isinstance(value, str):
        value = value.replace("x", ",")
    width, height = figures(2, 1, 16384)(value)
    return int(width), int(height)


def style_names(value: object) -> tuple[str, ...]:
    """Read a list of names, or a Python list of strings in a string."""
    if not isinstance(value, str):
        return names(value)
    if len(value) > MAX_SOURCE_LENGTH or not _LITERAL_LIST.fullmatch(value):
        raise DataFileError("It must be a list of names.")
    return names([_unescape(item[1:-1]) for item in re.findall(_LITERAL_TEXT, value)])


def _unescape(literal: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is None:
            return _CONTROLS.get(match[4], match[4])
        point = int(code, 16)
        is_character = point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF
        return chr(point) if is_character else "?"

    return _ESCAPE.sub(replace, literal)


def full_texts(value: object) -> tuple[str, ...]:
    """Read the list of the texts that Fooocus encoded."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_TEXTS:
        raise DataFileError(f"It must be a list of up to {MAX_TEXTS} texts.")
    return tuple(long_text(item) for item in value)


def loras(value: object) -> tuple[tuple[str, float], ...]:
    """Read [name, weight] pairs; a third item, Fooocus's hash of the file, is ignored."""
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ITEMS:
        raise DataFileError(f"It must be a list of up to {MAX_ITEMS} names and weights.")
    return tuple(_lora(item) for item in value)


def _lora(item: object) -> tuple[str, float]:
    if not isinstance(item, (list, tuple)) or len(item) not in (2, 3):
        raise DataFileError("Each LoRA must have a name and a weight.")
    return name(item[0]), figure(-1000.0, 1000.0)(item[1])

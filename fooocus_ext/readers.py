"""Readers of single values from files: each returns the value in its type, or says what it must be.

They raise ``DataFileError`` with a sentence such as "It must be a number from 0 to 30.".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fooocus_ext.data_files import DataFileError
from fooocus_ext.fields import Field, Kind
from fooocus_ext.limits import MAX_ITEMS, MAX_TEXT_LENGTH

MAX_NAME_LENGTH = 300

Reader = Callable[[object], Any]


def text(limit: int) -> Callable[[object], str]:
    """Return a reader of strings of at most ``limit`` characters."""

    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise DataFileError(f"It must be text of at most {limit} characters.")
        return value

    return read


name = text(MAX_NAME_LENGTH)


def number(minimum: float, maximum: float) -> Callable[[object], float]:
    """Return a reader of finite numbers from ``minimum`` to ``maximum``; true is not a number."""

    def read(value: object) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        # Comparing before converting is exact for integers too large to become a float.
        if isinstance(value, (int, float)) and is_number and minimum <= value <= maximum:
            return float(value)
        raise DataFileError(f"It must be a number from {minimum:g} to {maximum:g}.")

    return read


def whole(minimum: int, maximum: int) -> Callable[[object], int]:
    """Return a reader of whole numbers from ``minimum`` to ``maximum``; 3.0 is one."""
    read_number = number(minimum, maximum)

    def read(value: object) -> int:
        found = read_number(value)
        if not math.isclose(found, round(found)):
            raise DataFileError("It must be a whole number.")
        return round(found)

    return read


def one_of(known: Collection[str]) -> Callable[[object], str]:
    """Return a reader of the names in ``known``."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise DataFileError(f"It must be one of {', '.join(known)}.")
        return value

    return read


def names(value: object) -> tuple[str, ...]:
    """Read a list of names."""
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ITEMS:
        raise DataFileError(f"It must be a list of up to {MAX_ITEMS} names.")
    return tuple(name(item) for item in value)


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise DataFileError("It must be on or off.")
    return value


def of_field(field: Field) -> Reader:
    """Return a reader of what the argument table allows for ``field``."""
    if field.kind == "number":
        return number(field.minimum, field.maximum)
    if field.kind == "whole":
        return whole(round(field.minimum), round(field.maximum))
    if field.kind == "choice":
        return one_of(field.choices)
    if field.kind == "names":
        return names_out_of(field.choices) if field.choices else names
    if field.kind == "texts":
        return field.check
    return _OF_KIND[field.kind]


_OF_KIND: Mapping[Kind, Reader] = {"flag": flag, "text": text(MAX_TEXT_LENGTH), "name": name}


def names_out_of(known: Collection[str]) -> Callable[[object], tuple[str, ...]]:
    """Return a reader of lists of the names in ``known``."""
    read = one_of(known)
    return lambda value: tuple(read(item) for item in names(value))


def names_not_blank(value: object) -> tuple[str, ...]:
    """Read a list of names of which each says something, as the argument table wants them."""
    found = names(value)
    if not all(item.strip() for item in found):
        raise DataFileError("It must be a list of names, none of them blank.")
    return found

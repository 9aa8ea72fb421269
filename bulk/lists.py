"""The lines of a list of requests, whatever it is written in: JSONL, CSV or Parquet."""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bulk.errors import UsageError

SEPARATOR = "."
"""Between an object and its field in the name of a column: ``fooocus.sharpness``."""
PARQUET_BATCH = 1000
NO_PARQUET = (
    "This Python has no pyarrow, which reads and writes Parquet; `python dev.py bulk` has one, and so has "
    "whatever was installed from requirements/bulk.txt."
)


class Line(NamedTuple):
    """One line: its number, and its fields, or what is wrong with it."""

    number: int
    fields: dict[str, Any]
    problem: str = ""
    is_text: bool = False
    """Its values are texts, as CSV has them: what they are meant as, the fields know."""


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a list that have something in them.

    Numbers count from 1: of the line in a text file (where a record of a CSV file begins), of the row in
    a Parquet file.

    Raises:
        UsageError: as `reader_of`, or it is not what the ending of its name says.
    """
    yield from reader_of(path)(path)


def reader_of(path: Path) -> Callable[[Path], Iterator[Line]]:
    """Return what reads a list.

    Raises:
        UsageError: there is no such file, its name has another ending, or this user cannot read it.
    """
    readers: dict[str, Callable[[Path], Iterator[Line]]] = {
        ".jsonl": _jsonl,
        ".ndjson": _jsonl,
        ".csv": _csv,
        ".parquet": _parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: got a file that ends in {path.suffix!r}; allowed: {', '.join(readers)}."
        )
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path}: cannot be read by this user.")
    return reader


def read_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises UsageError if there is none."""
    try:
        return parse_object(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object that a text holds. Raises ValueError if it is none, and as `parse` does."""
    value = parse(text)
    if not isinstance(value, dict):
        raise ValueError(f"got {text[:40]!r}; allowed: one JSON object")  # noqa: TRY004 -- of the text
    return value


def parse(text: str) -> Any:
    """Return what a JSON text stands for.

    Raises:
        ValueError: it is none, names a field twice, or has a number that is none (NaN, infinity).
    """
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _times),) = Counter(name for name, _value in pairs).most_common(1)
        raise ValueError(f"{twice!r} is given twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return value


DECODER = json.JSONDecoder(
    object_pairs_hook=_each_once, parse_constant=_no_number, parse_float=_finite
)


def _jsonl(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, content in enumerate(file, 1):
            try:
                text = content.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text:
                    yield Line(number, parse_object(text))
            except ValueError as error:
                yield Line(number, {}, f"is no request: {error}.")


def _csv(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            columns = next(rows, [])
            if len(set(columns)) < len(columns) or not all(columns):
                raise UsageError(f"{path}: its first line must name the columns, each once.")
            begins = rows.line_num + 1
            for row in rows:
                if any(row):
                    yield _record(begins, columns, row)
                begins = rows.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}: is no CSV in UTF-8 near line {rows.line_num}: {error}."
            ) from error


def _record(number: int, columns: list[str], row: list[str]) -> Line:
    if len(row) > len(columns):
        return Line(
            number, {}, f"has {len(row)} cells; allowed: the {len(columns)} of the first line."
        )
    cells = zip(columns, row, strict=False)  # cells left out at the end are empty
    return _nested_line(number, {name: cell for name, cell in cells if cell != ""}, is_text=True)


def _parquet(path: Path) -> Iterator[Line]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 -- 30 MB that few lists need
    except ImportError as error:
        raise UsageError(NO_PARQUET) from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(PARQUET_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield _nested_line(number, _without_empty(row))
    except (ArrowException, OSError) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {error}.") from error


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(inner) for name, inner in value.items() if inner is not None}
    return value


def _nested_line(number: int, columns: dict[str, Any], *, is_text: bool = False) -> Line:
    """Return a line with dotted columns as objects: {"a.b": 1} as {"a": {"b": 1}}."""
    found: dict[str, Any] = {}
    for name, value in columns.items():
        first, dot, rest = name.partition(SEPARATOR)
        if dot and first in columns:
            return Line(number, {}, f"{first}: is given in {name} too; allowed: one of the two.")
        if dot:
            found.setdefault(first, {})[rest] = value
        else:
            found[name] = value
    return Line(number, found, is_text=is_text)

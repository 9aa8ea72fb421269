"""Style files: JSON lists (ours, Fooocus's, SAI-styler's) and A1111's ``styles.csv``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from fooocus_ext.data_files import (
    MEBIBYTE,
    DataFileError,
    Problem,
    first_problems,
    iter_files,
    parse_json,
    read_text,
)
from fooocus_ext.limits import MAX_TEXT_LENGTH
from fooocus_ext.prompting.styles import Style, StyleLibrary, lookup_key, special_style

MAX_FILE_BYTES = 4 * MEBIBYTE
MAX_STYLES = 20_000
MAX_NAME_LENGTH = 200
_FOOOCUS_PREFIX = "sdxl_styles_"

Report = Callable[[Problem], None]


def load_styles(folders: Sequence[Path]) -> StyleLibrary:
    """Load every ``*.json`` and ``*.csv`` file below ``folders``; a file may stand for a folder.

    A style of a later file or folder replaces one of the same name (see ``styles.lookup_key``) and
    takes its place in the list. Nothing is raised: a broken file or entry becomes a ``Problem`` of
    the library, and the rest loads. A folder that does not exist counts as empty.

    A style's group is its file's name made readable: ``anime-and-comics.json`` gives
    "Anime and comics", ``sdxl_styles_sai.json`` "SAI". An entry may name its own ``group``.
    """
    found: dict[str, Style] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in iter_files(Path(folder), (".json", ".csv"), problems.append):
            for style in _read_file(path, problems.append):
                if len(found) >= MAX_STYLES:
                    problems.append(Problem(str(path), "", f"only {MAX_STYLES} styles are kept"))
                    return StyleLibrary(tuple(found.values()), tuple(problems))
                found[lookup_key(style.name)] = style
    return StyleLibrary(tuple(found.values()), tuple(problems))


def _read_file(path: Path, report: Report) -> list[Style]:
    collected: list[Problem] = []
    read = _read_csv if path.suffix.casefold() == ".csv" else _read_json
    styles: list[Style] = []
    try:
        text = read_text(path, limit=MAX_FILE_BYTES)
        styles = list(read(path, text, collected.append))
    except DataFileError as error:
        collected.append(Problem(str(path), "", str(error)))
    for problem in first_problems(collected):
        report(problem)
    return styles


def _read_json(path: Path, text: str, report: Report) -> Iterator[Style]:
    entries = parse_json(text)
    if not isinstance(entries, list):
        raise DataFileError("a style file is a list of objects with name, prompt, negative_prompt")
    for number, entry in enumerate(entries, start=1):
        try:
            if not isinstance(entry, Mapping):
                raise DataFileError("it is not an object with name, prompt, negative_prompt")
            yield _style(path, entry)
        except DataFileError as error:
            report(Problem(str(path), _entry_label(number, entry), str(error)))


def _read_csv(path: Path, text: str, report: Report) -> Iterator[Style]:
    """Read A1111's format, with the columns and the freedoms of its own reader (v1.10).

    A row whose name starts with ``#`` is a comment and one without texts a divider; the oldest
    files call the prompt column ``text``.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        columns = rows.fieldnames or []
    except csv.Error as error:
        raise DataFileError(f"its first row is not CSV ({error})") from error
    if "name" not in columns or not {"prompt", "text"} & set(columns):
        raise DataFileError("its first row must name the columns name,prompt,negative_prompt")
    number = 1
    while True:
        number += 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise DataFileError(f"row {number} is not CSV ({error})") from error
        if row is None:
            return
        try:
            if not _is_decoration(row):
                _refuse_extra_columns(row)
                yield _style(path, {**row, "prompt": row.get("prompt") or row.get("text")})
        except DataFileError as error:
            report(Problem(str(path), _entry_label(number, row, "row"), str(error)))


def _is_decoration(row: Mapping[str | None, object]) -> bool:
    name = str(row.get("name") or "").strip()
    texts = (row.get("prompt"), row.get("text"), row.get("negative_prompt"))
    return name.startswith("#") or not any(str(text or "").strip() for text in texts)


def _refuse_extra_columns(row: Mapping[str | None, object]) -> None:
    extra = row.get(None) or []
    if isinstance(extra, list) and any(str(text).strip() for text in extra):
        raise DataFileError("it has more columns than the first row; put texts in double quotes")


def _style(path: Path, entry: Mapping[str, object]) -> Style:
    name = _name(entry.get("name"))
    prompt, negative = _text(entry, "prompt"), _text(entry, "negative_prompt")
    if not prompt.strip() and not negative.strip():
        raise DataFileError("it has neither a prompt nor a negative_prompt")
    group = entry.get("group")
    readable = _readable(group) if isinstance(group, str) else ""
    return Style(name, prompt, negative, readable or group_of(path), path)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataFileError("it has no name")
    name = value.strip()
    if len(name) > MAX_NAME_LENGTH:
        raise DataFileError(f"its name is longer than {MAX_NAME_LENGTH} characters")
    if not name.isprintable():
        raise DataFileError("its name contains line breaks or control characters")
    if special_style(name):
        raise DataFileError(f'"{special_style(name)}" is built in and cannot be redefined')
    return name


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataFileError(f"its {key} is not text")
    if len(value) > MAX_TEXT_LENGTH:
        raise DataFileError(f"its {key} is longer than {MAX_TEXT_LENGTH} characters")
    if "\0" in value:
        raise DataFileError(f"its {key} contains a NUL character")
    return value


def group_of(path: Path) -> str:
    """Return the heading for a file's styles."""
    return _readable(path.stem.removeprefix(_FOOOCUS_PREFIX)) or "Styles"


def _readable(stem: str) -> str:
    words = " ".join(re.split(r"[-_\s]+", stem)).strip()[:MAX_NAME_LENGTH]
    words = re.sub(r"\b3d\b", "3D", words, flags=re.IGNORECASE)
    words = re.sub(r"\b(sai|mre)\b", lambda match: match[0].upper(), words, flags=re.IGNORECASE)
    return words[:1].upper() + words[1:] if words.isprintable() else ""


def _entry_label(number: int, entry: object, kind: str = "entry") -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if isinstance(name, str) and name.strip():
        shown = "".join(c if c.isprintable() else "?" for c in name.strip()[:60])
        return f'{kind} {number} ("{shown}")'
    return f"{kind} {number}"

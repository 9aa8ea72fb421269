"""The private log of pictures: one folder per day, in it one page that any browser opens.

``log.jsonl`` is the log itself: one line per picture, only ever appended to. The pages are made from
its end: ``log.html`` shows the newest 51 to 100 pictures, newest first, and every full page of 50 is
written once more as ``log-0000.html``, ``log-0001.html`` and so on, to which the newer one links. So a
picture costs the same after ten thousand as after one, the pages are plain HTML that needs no server,
and whatever happens to a page, the next picture mends it. A lock file lets several programs write the
same day; a line cut off by a crash is left behind and read over.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from fooocus_ext.data_files import parse_json, write_whole
from fooocus_ext.markup import render
from fooocus_ext.metadata.settings import ENTRIES, OTHER_FIELDS, SCHEME_KEY
from fooocus_ext.presets.samplers import SAMPLERS, SCHEDULERS, first_label

PAGE_SIZE = 50
ENTRIES_NAME = "log.jsonl"
PAGE_NAME = "log.html"
_LOCK_NAME = ".log.lock"
_LOCK_SECONDS = 30
_BLOCK = 64 * 1024
_MAX_BYTES_READ = 64 * 1024 * 1024
_MAX_NUMBER = 10**9
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LABELS: Mapping[str, str] = {entry.key: entry.label for entry in ENTRIES} | {
    field.name: field.label for field in OTHER_FIELDS
}
"""What the page calls each key, in the order of its rows."""
_NAMES_ON_THE_PAGE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sampler": SAMPLERS,
    "scheduler": SCHEDULERS,
}
_COLLAPSED = ("full_prompt", "full_negative_prompt")
_HIDDEN = (SCHEME_KEY, "loras")
_LISTS_IN_STRINGS = ("styles", "adm_guidance", "freeu")
"""Keys whose lists the log has as Fooocus writes them; what a prompt has in brackets is its own."""


@dataclass(frozen=True)
class Entry:
    """One picture.

    Attributes:
        number: its place in the day, from 0.
        file: the picture's file name, within the day's folder.
        time: when it was made, as people read it.
        metadata: its settings, in the keys of ``metadata.settings.ENTRIES``.
    """

    number: int
    file: str
    time: str
    metadata: Mapping[str, Any]

    @property
    def json(self) -> str:
        """The settings as text, which the prompt box takes back."""
        return json.dumps(self.metadata, ensure_ascii=False, sort_keys=True)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Labels and values, without the long texts."""
        known = [key for key in _LABELS if key in self.metadata]
        others = [key for key in self.metadata if key not in _LABELS]
        shown = [key for key in (*known, *others) if key not in (*_COLLAPSED, *_HIDDEN)]
        rows = [(_label(key), _shown_entry(key, self.metadata[key])) for key in shown]
        return [(label, value) for label, value in rows if value]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Labels and values of the long texts."""
        return [
            (_LABELS[key], _shown(self.metadata[key])) for key in _COLLAPSED if key in self.metadata
        ]


def append(folder: Path, file: str, time: str, metadata: Mapping[str, Any]) -> Entry:
    """Add a picture to the log of the day whose folder it is in, and bring the page up to date.

    Args:
        folder: the day's folder, such as ``outputs/fooocus/2026-05-31``; made if need be.
        file: the picture's name in it.
        time: when it was made.
        metadata: its settings; values that JSON knows.

    Raises:
        OSError: the folder cannot be written (``filelock.Timeout``, one of them: somebody else has
            held the lock for half a minute).
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK_NAME, timeout=_LOCK_SECONDS):
        newest = read_newest(folder, 2 * PAGE_SIZE)
        number = newest[0].number + 1 if newest else 0
        entry = Entry(number, _encodable(file), _encodable(time), _storable(metadata))
        _append_line(folder / ENTRIES_NAME, entry)
        _write_pages(folder, [entry, *newest])
    return entry


def read_newest(folder: Path, count: int) -> list[Entry]:
    """Return up to ``count`` entries of a day, newest first; lines that make no sense are left out."""
    entries = []
    for line in reversed(_last_lines(folder / ENTRIES_NAME, count)):
        entry = _read_entry(line)
        if entry is not None:
            entries.append(entry)
    return entries[:count]


def newest_page(root: Path) -> Path | None:
    """Return the page of the last day that has one, or None."""
    days = sorted((path for path in _days(root) if (path / PAGE_NAME).is_file()), reverse=True)
    return days[0] / PAGE_NAME if days else None


def _days(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if _DAY.fullmatch(path.name) and path.is_dir()]


def _encodable(text: str) -> str:
    """Return a text without half characters (lone surrogates), which no page can hold."""
    return text.encode("utf-8", "replace").decode()


def _storable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as every line and page can hold them: NaN and infinity become texts."""
    text = _encodable(json.dumps(dict(metadata), ensure_ascii=False))
    values: dict[str, Any] = json.loads(text, parse_constant=str)
    return values


def _append_line(path: Path, entry: Entry) -> None:
    content = {
        "number": entry.number,
        "file": entry.file,
        "time": entry.time,
        "metadata": dict(entry.metadata),
    }
    line = json.dumps(content, ensure_ascii=True) + "\n"
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":  # a crash cut the last line off
                line = "\n" + line
        stream.write(line.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _last_lines(path: Path, count: int) -> list[bytes]:
    """Return the last ``count`` lines, reading no more of the file than they take."""
    try:
        with path.open("rb") as stream:
            position = stream.seek(0, os.SEEK_END)
            blocks: list[bytes] = []
            newlines = 0
            while position > 0 and newlines <= count and len(blocks) * _BLOCK < _MAX_BYTES_READ:
                size = min(_BLOCK, position)
                position -= size
                stream.seek(position)
                blocks.append(stream.read(size))
                newlines += blocks[-1].count(b"\n")
    except FileNotFoundError:
        return []
    lines = b"".join(reversed(blocks)).split(b"\n")
    whole = lines if position == 0 else lines[1:]
    return [line for line in whole if line][-count:]


def _read_entry(line: bytes) -> Entry | None:
    """Return a line's entry; None for a line that no program of ours has written whole."""
    try:
        content = parse_json(line.decode())
        metadata = content["metadata"]
        entry = Entry(int(content["number"]), str(content["file"]), str(content["time"]), metadata)
    except (ValueError, KeyError, TypeError):
        return None
    return entry if isinstance(metadata, dict) and 0 <= entry.number < _MAX_NUMBER else None


def _write_pages(folder: Path, newest: Sequence[Entry]) -> None:
    """Write the newest page, and the last full one if it is not there yet."""
    page = newest[0].number // PAGE_SIZE
    by_page: dict[int, list[Entry]] = {}
    for entry in newest:
        by_page.setdefault(entry.number // PAGE_SIZE, []).append(entry)
    for full in (page - 1, page):
        target = folder / _old_page(full)
        is_full = full < page or newest[0].number % PAGE_SIZE == PAGE_SIZE - 1
        if full in by_page and is_full and not target.exists():
            _write_page(target, folder, by_page[full], older=full - 1)
    shown = [*by_page[page], *by_page.get(page - 1, [])]
    _write_page(folder / PAGE_NAME, folder, shown, older=page - 2)


def _write_page(target: Path, folder: Path, entries: Sequence[Entry], *, older: int) -> None:
    earlier = [path.name for path in _days(folder.parent) if path.name < folder.name]
    text = render(
        "log.html",
        day=folder.name,
        entries=entries,
        older=_old_page(older) if older >= 0 else None,
        newest=PAGE_NAME if target.name != PAGE_NAME else None,
        earlier=max(earlier, default=None),
        page=PAGE_NAME,
    )
    write_whole(target, text)


def _old_page(page: int) -> str:
    return f"log-{page:04}.html"


def _label(key: str) -> str:
    numbered = re.fullmatch(r"lora_combined_(\d+)", key)
    if numbered:
        return f"LoRA {numbered[1]}"
    return _LABELS.get(key, key.replace("_", " ").capitalize())


def _shown_entry(key: str, value: object) -> str:
    """Return a value as the tab's page shows it, where the log has it as Fooocus writes it."""
    if key in _NAMES_ON_THE_PAGE:
        return first_label(str(value), _NAMES_ON_THE_PAGE[key])
    if key == "resolution":
        return re.sub(r"^\((\d+), (\d+)\)$", r"\1×\2", str(value))
    if key in _LISTS_IN_STRINGS:
        return re.sub(r"^[\[(](.*)[\])]$", _without_quotes, str(value))
    return _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return str(value)


def _without_quotes(match: re.Match[str]) -> str:
    """Spell a list in a string, such as ``['Fooocus V2', 'Sharp']``, as people write one."""
    return re.sub(r"(^|, )'([^',]*)'(?=, |$)", r"\1\2", match[1])

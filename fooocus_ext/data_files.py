"""Data files: reading other people's within bounds, and writing our own whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooocus_ext.errors import writable

MEBIBYTE = 1024 * 1024
MAX_FOLDER_DEPTH = 8
MAX_FILES_PER_FOLDER = 5_000
MAX_NUMBER_DIGITS = 40
MAX_NESTING = 100
MAX_PROBLEMS_PER_FILE = 20
SCRATCH_PREFIX = ".fooocus-scratch-"
"""How the names of files begin that are still being written; a dot hides them from every reader."""
_LEFT_BEHIND_SECONDS = 24 * 60 * 60
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
"""Seconds before each new try to replace a file that is open elsewhere."""
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\..*)?", re.DOTALL)


class DataFileError(ValueError):
    """A file cannot be used; the message is the reason, fit for a user's eyes."""


@dataclass(frozen=True)
class Problem:
    """Something that was left out while files were loaded.

    Attributes:
        file: the file it was found in (or a folder that could not be listed); what of its name is not
            UTF-8 becomes escapes, because no answer could be encoded with it.
        entry: which entry or key of the file; empty where the whole file is concerned.
        reason: what is wrong, in words.
    """

    file: str
    entry: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", writable(self.file))

    def __str__(self) -> str:
        where = f"{self.file}, {self.entry}" if self.entry else self.file
        return f"{where}: {self.reason}"


def is_device(name: str) -> bool:
    """Whether Windows takes a file's name, whatever its ending, for that of a device."""
    return _DEVICE.fullmatch(name) is not None


def first_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return a file's problems: the first ``MAX_PROBLEMS_PER_FILE``, and one that counts the rest."""
    more = len(problems) - MAX_PROBLEMS_PER_FILE
    if more <= 0:
        return tuple(problems)
    rest = Problem(problems[0].file, "", f"{more} more entries cannot be used")
    return (*problems[:MAX_PROBLEMS_PER_FILE], rest)


def read_text(path: Path, *, limit: int) -> str:
    """Return the text of a regular UTF-8 file (a byte order mark is dropped).

    Args:
        path: the file; a pipe or a device is refused instead of waited for.
        limit: the largest size in bytes.

    Raises:
        DataFileError: unreadable, not a regular file, larger than ``limit``, or not UTF-8.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise DataFileError("it is not a regular file")
        with path.open("rb") as stream:
            raw = stream.read(min(state.st_size, limit) + 1)  # it takes that memory beforehand
    except OSError as error:
        raise DataFileError(f"it cannot be read ({error.strerror or error})") from error
    if len(raw) > limit:
        raise DataFileError(f"it is larger than {limit // 1024} KiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataFileError(f"it is not UTF-8 text (byte {error.start})") from error


def parse_json(text: str) -> Any:
    """Return the value of a JSON text.

    NaN, infinity, endless digits, deep nesting and half characters (lone surrogates, which no file
    and no tokenizer accepts) are refused, so that what comes out can be shown, stored and sent on.

    Raises:
        DataFileError: the text is not JSON, or is hostile.
    """
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant)
        _refuse_deep_nesting(value)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DataFileError(
            f"it is not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from error
    except RecursionError as error:
        raise DataFileError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise DataFileError("it contains half characters (lone surrogates)") from error
    return value


def _refuse_deep_nesting(value: Any) -> None:
    level = [value]
    for _depth in range(MAX_NESTING + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return
        level = [
            inner
            for item in containers
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    raise DataFileError("it is nested too deeply")


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER_DIGITS:
        raise DataFileError(f"it contains a number of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise DataFileError(f"it contains a number out of range ({digits[:20]})")
    return value


def _constant(name: str) -> float:
    raise DataFileError(f"it contains {name}, which is not a JSON number")


def iter_files(
    folder: Path, suffixes: tuple[str, ...], report: Callable[[Problem], None]
) -> Iterator[Path]:
    """Yield the files below ``folder`` that end in one of ``suffixes``, in a stable order.

    Where ``folder`` is itself a file, it is the only one.

    Subfolders are visited after the files of their parent, both in case-folded alphabetical order;
    links to folders are not followed and hidden entries are skipped. A folder that does not exist
    yields nothing. What is left out because of the limits, or cannot be listed, goes to ``report``.
    """
    found = 0
    if folder.is_file():
        yield folder
        return

    def unlisted(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            name = str(error.filename or folder)
            report(Problem(name, "", f"it cannot be listed ({error.strerror or error})"))

    for root, folders, files in os.walk(folder, onerror=unlisted):
        here = Path(root)
        visible = sorted((d for d in folders if not d.startswith(".")), key=_case_folded)
        if visible and len(here.relative_to(folder).parts) >= MAX_FOLDER_DEPTH:
            report(Problem(str(here), "", f"folders below level {MAX_FOLDER_DEPTH} are not read"))
            visible = []
        folders[:] = visible
        for name in sorted(files, key=_case_folded):
            if name.startswith(".") or not name.casefold().endswith(suffixes):
                continue
            if found >= MAX_FILES_PER_FOLDER:
                report(Problem(str(folder), "", f"only {MAX_FILES_PER_FOLDER} files are read"))
                return
            found += 1
            yield here / name


def _case_folded(name: str) -> tuple[str, str]:
    return name.casefold(), name


def write_whole(target: Path, content: str | bytes, *, overwrite: bool = True) -> None:
    """Write a file so that it is there whole or not at all, whatever goes wrong meanwhile.

    It is written under another name in the same folder and put in place in one step once it is on
    disk. A link at its place is replaced, not followed. What killed writers left in the folder a day
    ago or earlier is removed on the way.

    Args:
        target: the file; its folder must exist.
        content: bytes, or text that is written as UTF-8.
        overwrite: whether a file of that name may be replaced.

    Raises:
        FileExistsError: the file exists and may not be replaced.
        OSError: the folder cannot be written.
        UnicodeEncodeError: the text has half characters (lone surrogates).
    """
    raw = content.encode("utf-8") if isinstance(content, str) else content
    _remove_left_behind(target.parent)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=SCRATCH_PREFIX)
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.chmod(0o644)
        if overwrite:
            replace_file(scratch, target)
        else:
            _put_beside_others(scratch, target)
    finally:
        with contextlib.suppress(OSError):  # it has its place, or is open elsewhere: see above
            scratch.unlink()


def replace_file(source: Path, target: Path) -> None:
    """Put a file in the place of another in one step.

    Windows refuses that while either of them is open elsewhere, as virus scanners and readers have files
    open for a moment; it is asked again there for about a second.

    Raises:
        OSError: it is refused still, or cannot be.
    """
    for pause in _PAUSES if os.name == "nt" else ():
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    source.replace(target)


def _put_beside_others(scratch: Path, target: Path) -> None:
    """Give ``scratch`` the name ``target``, unless that is taken, also by a writer of this moment."""
    try:
        os.link(scratch, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        replace_file(scratch, target)


def _remove_left_behind(folder: Path) -> None:
    """Remove scratch files of writers that cannot be at work any more."""
    oldest = time.time() - _LEFT_BEHIND_SECONDS
    with os.scandir(folder) as entries:
        scratches = [Path(e.path) for e in entries if e.name.startswith(SCRATCH_PREFIX)]
    for path in scratches:
        with contextlib.suppress(
            OSError
        ):  # another writer was faster, or it belongs to another user
            if path.stat().st_mtime < oldest:
                path.unlink()

"""Looking at the folder of a run: how far it is, and whether everything in it is as its journal says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from filelock import FileLock, Timeout

from bulk import pictures
from bulk.journal import DONE, Folder, Record, read_records


class Findings(NamedTuple):
    """What `verify` has found."""

    done: int
    failed: int
    left: int | None
    problems: list[str]


def is_running(folder: Folder) -> bool:
    """Tell whether a driver works in the folder now."""
    lock = FileLock(folder.path / "lock", timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def verify(folder: Folder) -> Findings:
    """Read every record, every picture and every pixel."""
    problems: list[str] = []
    seen: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for record in read_records(folder.journal):
        seen[record["key"]] += 1
        states[record["status"]] += 1
        if record["status"] == DONE:
            problems += _wrong_with(folder, record)
    problems += [f"{key} has {count} records" for key, count in seen.items() if count > 1]
    problems += [
        f"{path.name} has no record" for path in folder.images_there() if path.stem not in seen
    ]
    problems += [f"{path.name} is unfinished" for path in folder.unfinished()]
    left = folder.read_json(folder.status).get("left")
    return Findings(states[DONE], states.total() - states[DONE], left, problems)


def _wrong_with(folder: Folder, record: Record) -> Iterator[str]:
    key = record["key"]
    try:
        facts = pictures.read_png(folder.image(key).read_bytes())
    except (OSError, ValueError) as error:
        yield f"{key}.png {error}"
        return
    for name in ("sha256", "pixels_sha256", "width", "height"):
        if getattr(facts, name) != record.get(name):
            yield f"{key}.png has another {name} than its record"

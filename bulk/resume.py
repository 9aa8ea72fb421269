"""Going on: what of the folder of an earlier run holds, and what a kill has left half done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from bulk import pictures, records
from bulk.admission import Standard
from bulk.errors import UsageError
from bulk.journal import FAILED, Finished, Folder, Journal, Record, read_records
from bulk.plan import Plan


def standard_of(folder: Folder) -> Standard | None:
    """Return what all pictures of a folder have in common; None for a folder without any.

    Raises:
        UsageError: the file that says so cannot be read: a new one would let another checkpoint in.
    """
    known = {field.name for field in fields(Standard)}
    kept: Any = folder.read_json(folder.run).get("standard")
    try:
        return Standard(**{name: value for name, value in kept.items() if name in known})
    except (AttributeError, TypeError):
        if not any(read_records(folder.journal)):
            return None
        raise UsageError(
            f"{folder.run}: does not say which checkpoint the pictures of this folder have; "
            "allowed: that file as it was, or another folder."
        ) from None


def load(
    folder: Folder, journal: Journal, plan: Plan, standard: Standard, *, retry_failed: bool
) -> int:
    """Tell the plan what is finished.

    A record of a picture whose file is gone or cut short is dropped, and that of a failure if
    ``retry_failed``; a picture without a record gets one.

    Returns:
        how many pictures were found without a record.
    """
    dropped = 0
    with plan.taking_records() as take:
        for record in journal.records():
            holds = _holds(folder, record, retry_failed=retry_failed)
            dropped += not (holds and take(record["key"], record["status"]))
    if dropped:
        journal.keep_only(_first_of_each(folder, journal, retry_failed=retry_failed))
    adopted = list(_adopted(folder, plan, standard))
    if adopted:
        journal.add(Finished(record, None) for record in adopted)
        with plan.taking_records() as take:
            for record in adopted:
                take(record["key"], record["status"])
    return len(adopted)


def _holds(folder: Folder, record: Record, *, retry_failed: bool) -> bool:
    if record["status"] == FAILED:
        return not retry_failed
    try:
        return bool(os.stat(folder.image_text(record["key"])).st_size == record["bytes"])  # noqa: PTH116
    except (OSError, KeyError):
        return False


def _first_of_each(folder: Folder, journal: Journal, *, retry_failed: bool) -> Iterator[Record]:
    seen = set()
    for record in journal.records():
        if record["key"] not in seen and _holds(folder, record, retry_failed=retry_failed):
            seen.add(record["key"])
            yield record


def _adopted(folder: Folder, plan: Plan, standard: Standard) -> Iterator[Record]:
    """Yield records for the plan's pictures that were stored just before a kill; broken files are removed."""
    for picture in plan.open_pictures():
        path = folder.image(picture.key)
        if not path.is_file():
            continue
        content = path.read_bytes()
        try:
            facts = pictures.read_png(content)
        except ValueError:
            path.unlink()
            continue
        size, hash_ = len(content), standard.model_hash
        yield records.of_found(plan, picture, standard.version, hash_, facts, size)

"""What is to be made: the pictures of a list, each once, on disk, so that a driver's memory stays flat.

A picture's key is the SHA-256 of its request, of the model and of the extension's version: of its content
alone, not of its place in the list or of the webui that makes it. Lines that ask for the same share one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bulk import body, lists, names
from bulk.errors import BadLinesError
from fooocus_ext.errors import RequestError

SEEDS = 2**32 - 1
"""Seeds that the webui can draw: 0 and up, fewer than this."""
PAGE = 500
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4000;
CREATE TABLE picture (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, request TEXT NOT NULL, key TEXT
);
CREATE TABLE line (picture INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL);
CREATE TABLE record (key TEXT PRIMARY KEY, status TEXT NOT NULL) WITHOUT ROWID;
"""
INDEXES = """
CREATE INDEX line_of_picture ON line (picture);
"""


class Picture(NamedTuple):
    """One picture of the plan: its number in the list's order, its key, and the body that asks for it."""

    number: int
    key: str
    request: dict[str, Any]


class Counts(NamedTuple):
    """Pictures of a plan."""

    total: int
    done: int
    failed: int

    @property
    def left(self) -> int:
        """Pictures without a record."""
        return self.total - self.done - self.failed


class Plan:
    """The pictures of a list, their lines, and which of them have a final record.

    It is made anew from list and journal at every start, and is never the truth about anything.
    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(TABLES)
        self.lines = 0
        self.names: dict[tuple[str, str], list[int]] = defaultdict(list)
        """What only webui can know: (kind, name), and the lines that name it."""

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def read(self, path: Path, defaults: Mapping[str, Any]) -> None:
        """Take the pictures of a list; every line is checked.

        Raises:
            BadLinesError: with all lines that are wrong.
            UsageError: the list cannot be read at all.
        """
        problems: list[tuple[int, str]] = []
        self._db.execute("BEGIN")
        for line in lists.read(path):
            self.lines += 1
            try:
                if line.problem:
                    raise RequestError(line.problem)
                self._add(line.number, body.wanted(line.fields, defaults, is_text=line.is_text))
            except RequestError as error:
                problems.append((line.number, error.detail))
            except RecursionError:
                problems.append((line.number, "is nested too deeply."))
        self._db.execute("COMMIT")
        if problems:
            raise BadLinesError(problems)
        self._db.executescript(INDEXES)

    def _add(self, line: int, wanted: body.Wanted) -> None:
        for named in names.names_in(wanted.request):
            self.names[named].append(line)
        for copy in range(wanted.copies):
            request, mark = wanted.request, ""
            if copy and request["seed"] == body.RANDOM:
                mark = f"copy {copy}"
            elif copy:
                request = {**request, "seed": request["seed"] + copy}
            text = canonical(request)
            digest = hashlib.sha256(f"{text}{mark}".encode()).digest()
            added = self._db.execute(
                "INSERT OR IGNORE INTO picture (digest, request) VALUES (?, ?)",
                (digest, text),
            )
            if added.rowcount:
                number = added.lastrowid
            else:
                found = self._db.execute("SELECT number FROM picture WHERE digest = ?", (digest,))
                number = found.fetchone()[0]
            self._db.execute("INSERT INTO line VALUES (?, ?, ?)", (number, line, wanted.id))

    def set_keys(self, model_hash: str, version: str) -> None:
        """Give every picture the key that it has with this model and this version of the extension."""

        def key_of(digest: bytes) -> str:
            return hashlib.sha256(f"{digest.hex()}\n{model_hash}\n{version}".encode()).hexdigest()

        self._db.create_function("key_of", 1, key_of, deterministic=True)
        self._db.execute("UPDATE picture SET key = key_of(digest)")
        self._db.execute("CREATE UNIQUE INDEX picture_of_key ON picture (key)")

    @contextmanager
    def taking_records(self) -> Iterator[Callable[[str, str], bool]]:
        """Give what takes key and status of a final record, and tells whether it is the key's first.

        Records of other lists do no harm.
        """

        def take(key: str, status: str) -> bool:
            added = self._db.execute("INSERT OR IGNORE INTO record VALUES (?, ?)", (key, status))
            return added.rowcount == 1

        self._db.execute("BEGIN")
        try:
            yield take
        finally:
            self._db.execute("COMMIT")

    def counts(self) -> Counts:
        """Return how many pictures there are, and have a record."""
        (total,) = self._db.execute("SELECT count(*) FROM picture").fetchone()
        states = dict(
            self._db.execute(
                "SELECT status, count(*) FROM record JOIN picture USING (key) GROUP BY status"
            )
        )
        return Counts(total, states.get("done", 0), states.get("failed", 0))

    def open_pictures(self) -> Iterator[Picture]:
        """Yield the pictures that had no record when the records were taken, in the list's order."""
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT number, picture.key, request FROM picture LEFT JOIN record USING (key)"
                " WHERE number > ? AND status IS NULL ORDER BY number LIMIT ?",
                (last, PAGE),
            ).fetchall()
            if not rows:
                return
            for number, key, request in rows:
                yield Picture(number, key, with_seeds(json.loads(request), key))
            last = rows[-1][0]

    def lines_of(self, picture: Picture) -> tuple[list[int], list[str]]:
        """Return the lines that ask for a picture, and the ids that they gave it."""
        rows = self._db.execute(
            "SELECT number, id FROM line WHERE picture = ? ORDER BY number", (picture.number,)
        ).fetchall()
        return [number for number, _id in rows], [name for _number, name in rows if name]


def canonical(value: Mapping[str, Any]) -> str:
    """Return an object as the one JSON text that its equals have too."""
    return CANONICAL.encode(value)


def with_seeds(request: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a request whose seeds are numbers: those that nobody chose come from the picture's key."""
    drawn = {"seed": int(key[:8], 16) % SEEDS, "subseed": int(key[8:16], 16) % SEEDS}
    chosen = {
        name: value for name, value in request.items() if name in drawn and value != body.RANDOM
    }
    return {**request, **drawn, **chosen}

"""Jobs on disk: a database of SQLite, which writes a change whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from fooocus_ext.data_files import replace_file
from fooocus_ext.job_queue.jobs import QueuedJob
from fooocus_ext.job_queue.pictures import Pictures

log = logging.getLogger("fooocus")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS jobs "
    "(id TEXT PRIMARY KEY, place INTEGER NOT NULL, content TEXT NOT NULL, source BLOB)"
)
_SAVE = (
    "INSERT INTO jobs (id, place, content) VALUES (?, ?, ?) ON CONFLICT (id) "
    "DO UPDATE SET place = excluded.place, content = excluded.content"
)
_MOST_SERVERS = 64


@dataclass(frozen=True)
class Change:
    """What changes in one step.

    Attributes:
        saved: jobs, new ones and others.
        removed: ids of jobs.
    """

    saved: Sequence[QueuedJob] = ()
    removed: Sequence[str] = ()


class Store:
    """The jobs of one server. The caller sees to it that one thread at a time uses it.

    Attributes:
        pictures: those that the jobs start from.
        is_whole: whether all that was stored is known, as far as it has been read.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        pictures: Pictures,
        lock: FileLock | None = None,
        *,
        is_whole: bool = True,
    ) -> None:
        self._connection = connection
        self.pictures = pictures
        self.is_whole = is_whole
        self._lock = lock  # held as long as the process lives

    @classmethod
    def in_memory(cls) -> Store:
        """Return a store that is gone with the process."""
        return cls(_opened(":memory:"), Pictures())

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open this server's jobs in ``folder``, which is made if need be.

        Several servers may share a folder: each takes the first file that no other has.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(1, _MOST_SERVERS):
                file = folder / f"queue-{number}.sqlite3"
                lock = FileLock(file.with_suffix(".lock"), timeout=0)
                with contextlib.suppress(Timeout):
                    lock.acquire()
                    pictures = Pictures(folder / f"{file.stem}-pictures")
                    connection, is_whole = _connect(file)
                    return cls(connection, pictures, lock, is_whole=is_whole)
        except (OSError, sqlite3.Error) as error:
            log.warning("the jobs that wait will not survive a restart: %s: %s", folder, error)
        return cls.in_memory()

    def close(self) -> None:
        """Let another server have the file."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def load(self) -> list[QueuedJob]:
        """Return all jobs in the order of their places; a line that is no job is left out."""
        jobs = []
        rows = self._connection.execute("SELECT content, source FROM jobs ORDER BY place")
        for content, source in rows.fetchall():
            try:
                job = QueuedJob.from_json(content)
            except ValueError:
                log.warning("a stored job cannot be read; it is left where it is")
                self.is_whole = False
                continue
            if source is not None:  # another version has stored the picture with the job
                job = replace(job, source=self.pictures.keep(source))
                self._connection.execute("UPDATE jobs SET source = NULL WHERE id = ?", (job.id,))
                self.commit(Change([job]))
            jobs.append(job)
        return jobs

    def commit(self, change: Change) -> None:
        """Write a change, whole or not at all; it is on disk afterwards.

        Raises:
            OSError: it cannot be written.
        """
        rows = [(job.id, job.place, job.to_json()) for job in change.saved]
        try:
            with self._connection:
                self._connection.executemany(_SAVE, rows)
                self._connection.executemany(
                    "DELETE FROM jobs WHERE id = ?", [(job,) for job in change.removed]
                )
        except sqlite3.Error as error:
            raise OSError(f"the queue cannot be stored: {error}") from error


class SplitStore:
    """Jobs on disk, and private ones in memory alone."""

    def __init__(self, disk: Store) -> None:
        self._disk, self._memory = disk, Store.in_memory()

    def load(self) -> list[QueuedJob]:
        """Return all jobs that there were when the server ended, in the order of their places."""
        return self._disk.load()

    @property
    def is_whole(self) -> bool:
        """Whether all that there was has been read; else the pictures of what was not may be wanted."""
        return self._disk.is_whole

    def with_pictures(self, job: QueuedJob, **contents: bytes | None) -> QueuedJob:
        """Keep the pictures that a job starts from; return the job with their names.

        Raises:
            OSError: one cannot be written.
        """
        store = self._memory if job.private else self._disk
        given = {role: content for role, content in contents.items() if content is not None}
        return replace(job, **{role: store.pictures.keep(given[role]) for role in given})  # type: ignore[arg-type]

    def picture(self, name: str) -> bytes | None:
        """Return a picture that a job starts from; None if it is gone."""
        return self._memory.pictures.read(name) or self._disk.pictures.read(name)

    def forget_pictures(self, jobs: Iterable[QueuedJob]) -> None:
        """Remove all pictures but those that these jobs start from, as far as they are not done."""
        needed = {True: set[str](), False: set[str]()}
        for job in jobs:
            if job.state != "done":
                needed[job.private].update(name for name in (job.source, job.mask) if name)
        self._memory.pictures.forget_others(needed[True])
        self._disk.pictures.forget_others(needed[False])

    def commit(self, change: Change, *, must: bool = False) -> None:
        """Write a change; if it cannot be written, go on without it, unless it must be.

        Raises:
            OSError: it must be written and cannot be.
        """
        private = [job for job in change.saved if job.private]
        public = [job for job in change.saved if not job.private]
        self._memory.commit(Change(private, change.removed))
        if not public and not change.removed:
            return
        try:
            self._disk.commit(Change(public, change.removed))
        except OSError:
            if must:
                raise
            log.exception("a change of the queue is not on disk")


def _connect(file: Path) -> tuple[sqlite3.Connection, bool]:
    """Open the database, and tell whether it is the one that was there.

    One that is none or is damaged is put aside, and a new one begun.
    """
    try:
        return _opened(file), True
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        aside = file.with_suffix(f".broken-{int(time.time())}")
        log.warning("%s is no database any more (%s); it is now called %s", file, error, aside.name)
        replace_file(file, aside)
        return _opened(file), False


def _opened(file: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    # a single text that is not UTF-8 would keep all jobs from being read
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        connection.execute("PRAGMA secure_delete = ON")  # removed prompts leave no trace
        connection.execute(_TABLE)
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    return connection

"""The host's ``params.txt``, which holds the infotext of the last job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from modules import paths, shared

_FLAG = "no_prompt_history"


def untouched() -> AbstractContextManager[None]:
    """Return what a job runs in to leave no prompt on disk; the caller holds the queue's lock."""
    if hasattr(shared.cmd_opts, _FLAG):
        return _switched_off()
    return _put_back(Path(paths.data_path) / "params.txt")  # webui 1.6 always writes it


@contextmanager
def _switched_off() -> Iterator[None]:
    before = getattr(shared.cmd_opts, _FLAG)
    setattr(shared.cmd_opts, _FLAG, True)
    try:
        yield
    finally:
        setattr(shared.cmd_opts, _FLAG, before)


@contextmanager
def _put_back(file: Path) -> Iterator[None]:
    before = file.read_bytes() if file.exists() else None
    try:
        yield
    finally:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(before)

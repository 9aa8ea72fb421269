"""Doubles modules/errors.py: where swallowed exceptions are told."""

from __future__ import annotations

import sys
import textwrap
import traceback

exception_records: list[dict] = []
KEPT_RECORDS = 5


def record_exception() -> None:
    """Keep the exception being handled, if any."""
    error = sys.exc_info()[1]
    if error is None:
        return
    frames = traceback.extract_tb(error.__traceback__)
    exception_records.append(
        {
            "exception": str(error),
            "traceback": [[f"{f.filename}, line {f.lineno}, {f.name}", f.line] for f in frames],
        }
    )
    del exception_records[:-KEPT_RECORDS]


def report(message: str, *, exc_info: bool = False) -> None:
    """Print a message to stderr, each line marked with ***, and the current traceback if `exc_info`."""
    record_exception()
    for line in message.splitlines():
        print("***", line, file=sys.stderr)
    if exc_info:
        print(textwrap.indent(traceback.format_exc(), "    "), file=sys.stderr)
        print("---", file=sys.stderr)


def print_error_explanation(message: str) -> None:
    """Print a framed explanation to stderr."""
    record_exception()
    lines = message.strip().split("\n")
    frame = "=" * max(map(len, lines))
    print(frame, *lines, frame, sep="\n", file=sys.stderr)


def display(e: Exception, task: str, *, full_traceback: bool = False) -> None:
    """Print exception `e` that happened during `task`."""
    record_exception()
    print(f"{task or 'error'}: {type(e).__name__}", file=sys.stderr)
    print(*traceback.format_exception(type(e), e, e.__traceback__), sep="", file=sys.stderr)

"""`python -m bulk`: what `python dev.py bulk` runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bulk.errors import BadLinesError, UsageError
from bulk.options import USAGE_ERROR, read


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; its exit status."""
    try:
        return _run(read(arguments))
    except UsageError as error:
        print(f"dev.py bulk: {error}", file=sys.stderr)
        return USAGE_ERROR


def _run(options: argparse.Namespace) -> int:
    from bulk import commands  # noqa: PLC0415 -- its libraries are needed from here on

    try:
        if options.status:
            return commands.show_status(options.status)
        if options.verify:
            return commands.show_verified(options.verify)
        return commands.run(options)
    except BadLinesError as error:
        commands.show_bad_lines(error, options.out or Path())
        return USAGE_ERROR
    except OSError as error:  # a full disk: what is in the folder stays as it is
        print(
            f"dev.py bulk: {error}. The same command goes on once that is mended.", file=sys.stderr
        )
    except (
        KeyboardInterrupt
    ):  # before the first webui was asked, or while the last files are written
        print("dev.py bulk: stopped. The same command goes on.", file=sys.stderr)
    return commands.UNFINISHED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

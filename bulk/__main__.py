"""`python -m bulk`: what `python dev.py bulk` runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bulk.options import USAGE_ERROR, parser


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; its exit status."""
    line = parser()
    options = line.parse_args(arguments)
    from bulk import commands  # noqa: PLC0415 -- its libraries are needed from here on, and not for --help
    from bulk.errors import BadLinesError, UsageError  # noqa: PLC0415

    try:
        if options.status:
            return commands.show_status(options.status)
        if options.verify:
            return commands.show_verified(options.verify)
        if options.list is None or (options.out is None and not options.dry_run):
            raise UsageError("name a list of requests and, with --out, a folder for the pictures.")
        return commands.run(options)
    except BadLinesError as error:
        commands.show_bad_lines(error, options.out or Path())
    except UsageError as error:
        print(f"dev.py bulk: {error}", file=sys.stderr)
    except OSError as error:  # a full disk: what is in the folder stays as it is
        print(
            f"dev.py bulk: {error}. The same command goes on once that is mended.", file=sys.stderr
        )
        return commands.UNFINISHED
    except (
        KeyboardInterrupt
    ):  # before the first webui was asked, or while the last files are written
        print("dev.py bulk: stopped. The same command goes on.", file=sys.stderr)
        return commands.UNFINISHED
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

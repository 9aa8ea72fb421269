"""Command line of the embedded host: page and API, or one picture without a browser."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from embedded_webui.cli_picture import picture
from embedded_webui.cli_serve import serve

USAGE = """usage:
  python -m embedded_webui serve [--host H] [--port P] [--checkpoint F] [--refiner F] [...]
  python -m embedded_webui picture --prompt TEXT [--out x.png] [--set key=value ...] [...]
Add --help to a command for its flags."""
USAGE_ERROR = 2


def main(argv: Sequence[str]) -> int:
    """Run a command; its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What Windows redirects is in an encoding of its own: no name or prompt shall end what prints it.
        sys.stdout.reconfigure(errors="backslashreplace")
    command, rest = (argv[0], list(argv[1:])) if argv else ("", [])
    if command == "serve":
        return serve(rest)
    if command == "picture":
        return picture(rest)
    print(USAGE, file=sys.stdout if command in ("-h", "--help") else sys.stderr)
    return 0 if command in ("-h", "--help") else USAGE_ERROR


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Command line of the embedded host: `serve` starts page and API, `picture` makes one picture without a browser."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """usage: python -m fooocus_ext.embedded serve [--host H] [--port P] [--checkpoint F] [--refiner F] [webui flags]
       python -m fooocus_ext.embedded picture --prompt TEXT [--out x.png] [--set key=value ...] [...]
Add --help to a command for its flags."""
USAGE_ERROR = 2


def main(argv: Sequence[str]) -> int:
    """Run a command; its exit status."""
    command, rest = (argv[0], list(argv[1:])) if argv else ("", [])
    if command == "serve":
        from fooocus_ext.embedded.cli_serve import serve

        return serve(rest)
    if command == "picture":
        from fooocus_ext.embedded.cli_picture import picture

        return picture(rest)
    print(USAGE, file=sys.stdout if command in ("-h", "--help") else sys.stderr)
    return 0 if command in ("-h", "--help") else USAGE_ERROR


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""`python -m tools.pocket export --out DIR`, and `python -m tools.pocket train --work DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_webui.argument_types import folder_to_write


def main(arguments: Sequence[str]) -> int:
    """Run the command line, without the program's name, and return the exit status."""
    if arguments and arguments[0] == "train":
        from tools.pocket import train  # noqa: PLC0415 - training needs more than an export

        return train.main(arguments[1:])
    parser = argparse.ArgumentParser(
        "tools.pocket", description="Train Pocket SDXL, or write it for other webuis."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("train", add_help=False, help="train from nothing: train --help")
    out = commands.add_parser(
        "export", help="write single files in SDXL's format, a YAML beside each"
    )
    out.add_argument(
        "--out", type=folder_to_write, required=True, metavar="DIR", help="where to write them"
    )
    return _export(parser.parse_args(arguments).out)


def _export(out: Path) -> int:
    from tools.pocket.export import export  # noqa: PLC0415 - slow to import

    for path in export(out):
        print(f"{path.resolve()}  {path.stat().st_size / 1e6:,.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

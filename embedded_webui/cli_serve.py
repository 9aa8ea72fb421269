"""`python -m embedded_webui serve`: page and API on one address, until Ctrl+C."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from embedded_webui import bootstrap

DEFAULT_PORT = 7860
POLL_SECONDS = 1
POCKET_PAGE = Path(__file__).parent / "pocket-ui-config.json"
"""the page's defaults for Pocket SDXL, which paints small pictures"""


def host_flags(options: argparse.Namespace, rest: Sequence[str]) -> list[str]:
    """The webui's own flags for this command line."""
    flags = [*rest, "--skip-version-check"]
    if options.checkpoint:
        flags += ["--ckpt", options.checkpoint]
    else:  # in front, so that a file the user names wins
        flags = ["--ui-config-file", str(POCKET_PAGE), *flags]
    if options.refiner:
        flags += ["--refiner-ckpt", options.refiner]
    return flags


def add_checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    """--checkpoint and --refiner."""
    what = "single-file SDXL checkpoint with the original key names"
    parser.add_argument("--checkpoint", metavar="FILE", help=f"{what}; default: Pocket SDXL")
    parser.add_argument("--refiner", metavar="FILE", help=f"{what}, offered as a refiner")


def serve(argv: Sequence[str]) -> int:
    """Start the server; returns when it has been stopped."""
    parser = argparse.ArgumentParser(prog="python -m embedded_webui serve", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    add_checkpoint_flags(parser)
    options, rest = parser.parse_known_args(argv)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    bootstrap([*host_flags(options, rest), "--api"])
    from modules import server  # noqa: PLC0415 - exists only after bootstrap

    if server.cmd_opts.nowebui:
        server.api_only(options.host, options.port)
        return 0
    while server.run_page(options.host, options.port) == "restart":
        time.sleep(POLL_SECONDS / 2)
    return 0

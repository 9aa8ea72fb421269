"""`python -m embedded_webui serve`: page and API on one address, until Ctrl+C."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from embedded_webui import bootstrap

UNET = "model.diffusion_model."
"""what the names of a checkpoint's tensors begin with, those of its UNet"""

PAUSE_SECONDS = 0.5
"""between a page and the next"""
POCKET_PAGE = Path(__file__).parent / "pocket-ui-config.json"
"""the page's defaults for Pocket SDXL, which paints small pictures"""


def host_flags(options: argparse.Namespace, rest: Sequence[str]) -> list[str]:
    """The webui's own flags for this command line."""
    flags = list(rest)
    if options.checkpoint:
        flags += ["--ckpt", options.checkpoint]
    else:  # in front, so that a file the user names wins
        flags = ["--pocket", "--ui-config-file", str(POCKET_PAGE), *flags]
    if options.refiner:
        flags += ["--refiner-ckpt", options.refiner]
    return flags


def add_checkpoint_flags(parser: argparse.ArgumentParser) -> None:
    """--checkpoint and --refiner."""
    what = "single-file SDXL checkpoint with the original key names"
    for flag, use in (("checkpoint", "default: Pocket SDXL"), ("refiner", "offered as a refiner")):
        parser.add_argument(
            f"--{flag}", metavar="FILE", type=checkpoint_file, help=f"{what}; {use}"
        )


def checkpoint_file(path: str) -> str:
    """The path of a checkpoint; raises ArgumentTypeError, as the host would take another in its place."""
    if not os.access(path, os.F_OK):
        raise argparse.ArgumentTypeError(f"got {path}; there is no such file")
    try:
        with safe_open(path, "numpy") as file:
            has_unet = any(name.startswith(UNET) for name in file.keys())  # noqa: SIM118 - no dict
    except (OSError, SafetensorError):
        has_unet = False
    if not has_unet:
        raise argparse.ArgumentTypeError(
            f"got {path}; allowed: a readable .safetensors file that has a UNet"
        )
    return path


def serve(argv: Sequence[str]) -> int:
    """Start the server; returns when it has been stopped."""
    parser = argparse.ArgumentParser(prog="python -m embedded_webui serve", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; default: %(default)s")
    parser.add_argument("--port", default="7860", help="default: %(default)s")
    parser.add_argument(
        "--listen", action="store_true", help="let every machine that reaches this one in: 0.0.0.0"
    )
    add_checkpoint_flags(parser)
    options, rest = parser.parse_known_args(argv)
    rest += ["--host", options.host, "--port", options.port, *["--listen"] * options.listen]
    bootstrap([*host_flags(options, rest), "--skip-version-check", "--api"])
    from modules import server  # noqa: PLC0415 - exists only after bootstrap

    server.check_address()
    if server.cmd_opts.nowebui:
        server.api_only()
        return 0
    while server.run_page() == "restart":
        time.sleep(PAUSE_SECONDS)
    return 0

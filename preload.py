"""Command line flags, added before the webui parses its own; imported before torch, so keep it light."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    """Add the extension's flags to the webui's ``parser``; read them from ``shared.cmd_opts``."""
    group = parser.add_argument_group("sd-webui-fooocus")
    group.add_argument(
        "--fooocus-expansion-dir",
        metavar="DIR",
        default=None,
        help="folder of a GPT-2 prompt expansion model (config.json, weights, vocabulary) to use "
        "instead of the built-in one",
    )
    group.add_argument(
        "--fooocus-outputs",
        metavar="DIR",
        default=None,
        help="folder for the Fooocus tab's pictures and HTML log, with one subfolder per day",
    )
    group.add_argument(
        "--fooocus-tab-first",
        action="store_true",
        help="show the Fooocus tab first",
    )
    group.add_argument(
        "--fooocus-allow-host",
        metavar="NAME",
        action="append",
        default=None,
        help="a name under which browsers or scripts reach this webui, such as that of a reverse proxy; "
        "may be repeated. IP addresses, localhost, names without a dot, and browsers that come over "
        "https need none",
    )

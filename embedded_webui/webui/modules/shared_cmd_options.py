"""Doubles modules/shared_cmd_options.py: parses the command line once, extensions' preload flags included."""

from __future__ import annotations

import ipaddress

from modules import cmd_args, script_loading
from modules.paths_internal import extension_root, extensions_dir

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what --listen asks for


def is_local(host: str) -> bool:
    """Whether this machine alone can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _extension_roots(parser) -> list[str]:
    known, _ = parser.parse_known_args([a for a in cmd_args.arguments if a not in ("-h", "--help")])
    return known.extension or [extension_root]


parser = cmd_args.build_parser()
extension_roots = _extension_roots(parser)
script_loading.preload_folders(extension_roots, parser)
script_loading.preload_extensions(extensions_dir, parser)
cmd_opts = parser.parse_args(cmd_args.arguments)
cmd_opts.webui_is_non_local = bool(
    cmd_opts.share or cmd_opts.listen or cmd_opts.server_name or not is_local(cmd_opts.host)
)
cmd_opts.disable_extension_access = (
    cmd_opts.webui_is_non_local and not cmd_opts.enable_insecure_extension_access
)

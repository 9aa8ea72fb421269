"""Doubles modules/cmd_args.py.

The flags of the host that extensions read, plus those of the embedded host's own.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

arguments: list[str] = []
"""the command line of this process, set by `bootstrap` before the other modules are imported"""
refuse: Callable[[str], None] | None = None
"""what ends the process with a word about wrong arguments, likewise; if None, the parser itself"""

SWITCHES = (
    "skip-python-version-check",
    "skip-torch-cuda-test",
    "skip-prepare-environment",
    "skip-install",
    "skip-version-check",
    "no-download-sd-model",
    "no-half",
    "no-half-vae",
    "medvram",
    "medvram-sdxl",
    "lowvram",
    "lowram",
    "upcast-sampling",
    "share",
    "xformers",
    "opt-sdp-attention",
    "opt-channelslast",
    "disable-nan-check",
    "use-ipex",
    "listen",
    "enable-insecure-extension-access",
    "hide-ui-dir-config",
    "freeze-settings",
    "gradio-debug",
    "autolaunch",
    "use-textbox-seed",
    "disable-console-progressbars",
    "api",
    "api-log",
    "nowebui",
    "api-server-stop",
    "ui-debug-mode",
    "no-prompt-history",
    "no-gradio-queue",
    "disable-all-extensions",
    "disable-extra-extensions",
    "skip-load-model-at-start",
    "no-progressbar-hiding",
    "enable-console-prompts",
)


def build_parser() -> argparse.ArgumentParser:
    """The host's parser; extensions add their own flags to it in preload.py."""
    from modules.paths_internal import data_path, extension_root, models_path, sd_model_file

    parser = argparse.ArgumentParser(prog="python -m embedded_webui serve")
    parser.error = refuse or parser.error
    for name in SWITCHES:
        parser.add_argument(f"--{name}", action="store_true")
    path = os.path.abspath
    parser.add_argument(
        "--data-dir", type=path, default=data_path, help="folder of outputs, settings and models"
    )
    parser.add_argument("--models-dir", type=path, default=None)
    parser.add_argument(
        "--ckpt", type=path, default=sd_model_file, help="checkpoint to list and load first"
    )
    parser.add_argument("--ckpt-dir", type=path, default=None)
    parser.add_argument("--vae-dir", type=path, default=None)
    parser.add_argument(
        "--embeddings-dir", type=path, default=os.path.join(data_path, "embeddings")
    )
    parser.add_argument(
        "--hypernetwork-dir", type=path, default=os.path.join(models_path, "hypernetworks")
    )
    parser.add_argument(
        "--localizations-dir", type=path, default=os.path.join(data_path, "localizations")
    )
    parser.add_argument("--precision", choices=["full", "half", "autocast"], default="autocast")
    parser.add_argument("--use-cpu", nargs="+", default=[], type=str.lower)
    parser.add_argument("--device-id", default=None)
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--server-name", default=None)
    parser.add_argument("--subpath", default=None)
    parser.add_argument("--theme", default=None)
    parser.add_argument("--ui-config-file", default=os.path.join(data_path, "ui-config.json"))
    parser.add_argument("--ui-settings-file", default=os.path.join(data_path, "config.json"))
    parser.add_argument("--freeze-settings-in-sections", default=None)
    parser.add_argument("--freeze-specific-settings", default=None)
    parser.add_argument("--gradio-auth", default=None)
    parser.add_argument("--gradio-auth-path", default=None)
    parser.add_argument("--gradio-allowed-path", action="append", default=[data_path])
    parser.add_argument(
        "--api-auth", default=None, help="user:password, several separated by commas"
    )
    parser.add_argument("--timeout-keep-alive", type=int, default=30)
    parser.add_argument("--loglevel", default=None)
    _add_embedded_flags(parser, extension_root)
    return parser


def _add_embedded_flags(parser: argparse.ArgumentParser, extension_root: str) -> None:
    parser.add_argument(
        "--refiner-ckpt", type=os.path.abspath, default=None, help="a second checkpoint to list"
    )
    parser.add_argument(
        "--extension",
        action="append",
        default=[],
        metavar="DIR",
        help=f"extension folder to load; default: {extension_root}",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; default: %(default)s")
    parser.add_argument(
        "--pocket", action="store_true", help="list the default checkpoints besides --ckpt"
    )

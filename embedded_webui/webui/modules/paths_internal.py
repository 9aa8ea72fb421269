"""Doubles modules/paths_internal.py: the folders, known before anything heavy is imported."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

modules_path = os.path.dirname(os.path.realpath(__file__))
script_path = os.path.dirname(modules_path)
extension_root = str(Path(script_path).parents[1])
sd_model_file = os.path.join(script_path, "model.ckpt")
default_sd_model_file = sd_model_file


def default_data_path() -> str:
    """A per-user cache folder: the embedded host writes nothing into the repository unless told to."""
    cache = (
        os.environ.get("XDG_CACHE_HOME")
        or os.environ.get("LOCALAPPDATA")
        or os.path.expanduser("~/.cache")
    )
    return os.path.join(cache, "sd-webui-fooocus", "embedded")


def _early_flags() -> argparse.Namespace:
    from modules import cmd_args

    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data-dir", type=os.path.abspath, default=default_data_path())
    parser.add_argument("--models-dir", type=os.path.abspath, default=None)
    return parser.parse_known_args(cmd_args.arguments)[0]


_flags = _early_flags()
data_path = _flags.data_dir
models_path = _flags.models_dir or os.path.join(data_path, "models")
extensions_dir = os.path.join(data_path, "extensions")
extensions_builtin_dir = os.path.join(script_path, "extensions-builtin")
default_output_dir = os.path.join(data_path, "outputs")


def check_data_path() -> None:
    """Make the data folder; end the program with a sentence and status 2 if it cannot be written to."""
    try:
        os.makedirs(data_path, exist_ok=True)
        if os.access(data_path, os.W_OK):
            return
        reason = os.strerror(errno.EACCES)
    except OSError as error:
        reason = error.strerror
    print(
        f"{data_path} cannot be written to ({reason}); "
        "--data-dir names another folder for models, settings and pictures",
        file=sys.stderr,
    )
    raise SystemExit(2)

"""Doubles modules/extensions.py: which extension folders are loaded, and which one a file belongs to."""

from __future__ import annotations

import os
from typing import NamedTuple

from modules import shared
from modules.paths_internal import extensions_dir
from modules.shared_cmd_options import extension_roots


class ScriptFile(NamedTuple):
    """A script: its extension's folder, its name, its path."""

    basedir: str
    filename: str
    path: str


extensions: list[Extension] = []


class Extension:
    """One folder; metadata.ini is left unread, so files load in the order of their names."""

    is_builtin = False
    enabled = True

    def __init__(self, path: str):
        self.path = os.path.abspath(path)
        self.name = os.path.basename(self.path)
        self.canonical_name = self.name.lower()

    def list_files(self, subdir: str, extension: str) -> list[ScriptFile]:
        """The folder's files `subdir/*extension`, sorted."""
        folder = os.path.join(self.path, subdir)
        if not os.path.isdir(folder):
            return []
        files = [
            ScriptFile(self.path, name, os.path.join(folder, name))
            for name in sorted(os.listdir(folder))
        ]
        return [
            f
            for f in files
            if os.path.splitext(f.path)[1].lower() == extension and os.path.isfile(f.path)
        ]


def active() -> list[Extension]:
    """The extensions that are not switched off."""
    if shared.cmd_opts.disable_all_extensions or shared.cmd_opts.disable_extra_extensions:
        return []
    return [ext for ext in extensions if ext.name not in shared.opts.disabled_extensions]


def list_extensions() -> None:
    """Fill `extensions`: the folders of the command line, then those below the data folder."""
    extensions.clear()
    installed = []
    if os.path.isdir(extensions_dir):
        installed = [
            os.path.join(extensions_dir, name) for name in sorted(os.listdir(extensions_dir))
        ]
    extensions.extend(
        Extension(path) for path in [*extension_roots, *installed] if os.path.isdir(path)
    )


def find_extension(filename: str) -> Extension | None:
    """The extension that a file lies in."""
    path = os.path.abspath(filename)
    return next((ext for ext in extensions if path.startswith(ext.path + os.sep)), None)

"""Doubles launch.py: what extensions' install.py scripts and infotext ask of the launcher."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys

from modules.shared_cmd_options import cmd_opts as args  # noqa: F401

python = sys.executable
VERSION = "v1.10.1-embedded"


def is_installed(package: str) -> bool:
    """True if a distribution or, failing that, an importable module of this name exists."""
    try:
        importlib.metadata.distribution(package)
        return True
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        return importlib.util.find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def run_pip(command: str, desc: str | None = None, live: bool = False) -> None:
    """The embedded host installs nothing while it runs; the locked requirements are complete."""
    raise RuntimeError(f"the embedded host does not install packages: pip {command}")


def git_tag() -> str:
    """The version that infotexts carry."""
    return VERSION

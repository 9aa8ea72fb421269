"""Doubles launch.py: what extensions' install.py scripts and infotext ask of the launcher."""

from __future__ import annotations

from modules.shared_cmd_options import cmd_opts as args  # noqa: F401

VERSION = "v1.10.1-embedded"


def git_tag() -> str:
    """The version that infotexts carry."""
    return VERSION

"""What is installed on this machine: styles, wildcards, presets, the expander, the host's models."""

from __future__ import annotations

import functools
from pathlib import Path

from modules import paths, shared

from fooocus_ext.host import options
from fooocus_ext.job_texts import Writer
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards

EXTENSION_ROOT = Path(__file__).resolve().parents[2]


def user_folder() -> Path:
    """Return the folder outside the extension where users keep their own files."""
    return Path(paths.data_path) / "fooocus"


@functools.lru_cache(maxsize=1)
def styles() -> StyleLibrary:
    """Return the styles of the extension, of the user, and of the host's own style files."""
    return load_styles([EXTENSION_ROOT / "styles", user_folder() / "styles"])


def wildcards() -> Wildcards:
    """Return the wildcard files; the user's replace ours."""
    return Wildcards([EXTENSION_ROOT / "wildcards", user_folder() / "wildcards"])


def reload() -> None:
    """Forget what was read, so that changed files are read again."""
    styles.cache_clear()


def writer() -> Writer:
    """Return what prompts are rewritten with, as the settings page has it."""
    return Writer(
        styles=styles(),
        wildcards=wildcards(),
        expand=lambda texts, seeds: texts,
        separator=options.text_separator(),
        in_order=options.wildcards_in_order(),
    )

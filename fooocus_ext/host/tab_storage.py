"""Where the tab's pictures and their log are kept."""

from __future__ import annotations

from pathlib import Path

from modules import paths, shared

from fooocus_ext.host.outputs import Output
from fooocus_ext.ui.tab_values import Choices


def root() -> Path:
    """Return the folder of the daily folders."""
    chosen = getattr(shared.cmd_opts, "fooocus_outputs", None)
    return Path(chosen) if chosen else Path(paths.data_path) / "outputs" / "fooocus"


def output_for(choices: Choices, base_model: str) -> Output:
    """Return where the pictures of a request go."""
    return Output(None if choices.private else root().resolve(), choices.output_format)

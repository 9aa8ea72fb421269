"""Choosing a VAE for a job: an option of its own on A1111, one of several files in an option of Forge."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from modules import sd_vae, shared

OPTION, FORGE_OPTION = "sd_vae", "forge_additional_modules"
AUTOMATIC, NONE = "Automatic", "None"


def options_for(name: str) -> dict[str, Any]:
    """Return the options that choose a VAE.

    Forge has A1111's option still, without any effect; it adds VAEs and text encoders to a checkpoint
    by one list of files. There "Automatic" leaves alone what the page has chosen.

    Args:
        name: one of the host's names of VAEs, "Automatic" or "None".
    """
    if not hasattr(shared.opts, FORGE_OPTION):
        return {OPTION: name}
    if name == AUTOMATIC:
        return {}
    files = sd_vae.vae_dict
    kept = [file for file in shared.opts.forge_additional_modules if file not in files.values()]
    if name == NONE:
        return {FORGE_OPTION: kept}
    _make_known(files[name])
    return {FORGE_OPTION: [*kept, files[name]]}


def _make_known(file: str) -> None:
    """Have Forge find a file: it takes only those that it has listed, which the page does at first."""
    listed = importlib.import_module("modules_forge.main_entry")
    if Path(file).name not in listed.module_list:
        listed.refresh_models()

"""The VAEs on this machine, and choosing one for a job.

A1111 has an option of its own for that; on Forge it is one of several files in another option.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from modules import paths, sd_vae, shared

OPTION, FORGE_OPTION = "sd_vae", "forge_additional_modules"
AUTOMATIC, NONE = "Automatic", "None"


def names() -> list[str]:
    """Return the host's names of the VAEs that it has found."""
    return list(sd_vae.vae_dict)


def folder() -> str:
    """Return where VAEs belong."""
    known: str | None = getattr(sd_vae, "vae_path", None)  # not in ersatzForge
    return known or str(Path(paths.models_path) / "VAE")


def list_again() -> None:
    """Have the host find VAEs that have come or gone."""
    if hasattr(sd_vae, "refresh_vae_list"):
        sd_vae.refresh_vae_list()
    else:  # ersatzForge lists them with the rest of Forge's files
        _forge_entry().refresh_models()


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
    listed = _forge_entry()
    if Path(file).name not in listed.module_list:
        listed.refresh_models()


def _forge_entry() -> Any:
    return importlib.import_module("modules_forge.main_entry")

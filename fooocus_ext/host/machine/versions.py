"""What this webui offers: every question about its version or its family is asked here.

They are answered by features, never by version numbers: forks number themselves as they like.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from modules import paths, script_callbacks, scripts

from fooocus_ext.api.base import fields_of

FORGE_PACKAGES = ("modules_forge", "ldm_patched", "backend")
"""Folders beside ``modules`` that the engine of Forge and its children consists of."""
CLIP_SKIP_ACTS = "sdxl_clip_l_skip"
"""The option (from webui 1.10 on) by which clip skip acts on SDXL."""


def has_schedulers() -> bool:
    """Whether samplers and schedule types are chosen apart (webui 1.9). Before, samplers imply theirs."""
    return importlib.util.find_spec("modules.sd_schedulers") is not None


def infotext_may_vary() -> bool:
    """Whether an infotext entry may be a function that is asked picture by picture (webui 1.9)."""
    return has_schedulers()


def requests_take_infotexts() -> bool:
    """Whether a request for a picture may bring an infotext for what it does not say (webui 1.8)."""
    models = importlib.import_module("modules.api.models")
    return "infotext" in fields_of(models.StableDiffusionTxt2ImgProcessingAPI)


def has_sampling_hook() -> bool:
    """Whether scripts are told of every pass before it is sampled (webui 1.10)."""
    return hasattr(scripts.Script, "process_before_every_sampling")


def asks_before_model_calls() -> bool:
    """Whether a callback is asked before each model call."""
    return hasattr(script_callbacks, "on_cfg_denoiser")


def asks_around_model_calls() -> bool:
    """Whether callbacks are asked before and after each model call (A1111, webui 1.6)."""
    return asks_before_model_calls() and hasattr(script_callbacks, "on_cfg_denoised")


def forge_packages() -> list[str]:
    """Return what this webui has of Forge's engine, which asks no callback after a model call."""
    root = Path(paths.script_path)
    return [name for name in FORGE_PACKAGES if (root / name).is_dir()]


def has_forge_backend() -> bool:
    """Whether the engine is Forge's; its children that lack it have ``ldm_patched``."""
    return (Path(paths.script_path) / "backend" / "memory_management.py").is_file()

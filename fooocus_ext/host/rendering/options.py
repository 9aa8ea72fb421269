"""The host's options with which it renders as Fooocus does, for one job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules import shared

from fooocus_ext.args import FOOOCUS, Settings

_OPTIONS: Mapping[str, Any] = {
    "enable_quantization": True,  # the model is asked for whole timesteps
    "img2img_fix_steps": True,  # as many steps as asked for, whatever the denoising strength
}


def for_job(settings: Settings) -> dict[str, Any]:
    """Return the options that hold for a job with these settings; those that this webui has."""
    if settings.rendering != FOOOCUS:
        return {}
    return {name: value for name, value in _OPTIONS.items() if hasattr(shared.opts, name)}

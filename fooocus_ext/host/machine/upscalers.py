"""The webui's upscalers: what makes a picture larger before it is sampled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import shared
from PIL import Image

from fooocus_ext.errors import RequestError, did_you_mean

PLAIN = "Lanczos"
"""The one that needs no model."""


def find(name: str | None) -> Any:
    """Return the upscaler called ``name``, or (None) the best one whose files are on this machine.

    Raises:
        RequestError: there is none of that name.
    """
    by_name = {upscaler.name: upscaler for upscaler in shared.sd_upscalers}
    if name is not None and name not in by_name:
        allowed = ", ".join(f'"{known}"' for known in by_name)
        hint = did_you_mean(name, by_name)
        raise RequestError(f'Upscaler: there is no "{name}"{hint}; allowed: {allowed}.')
    if name is not None:
        return by_name[name]
    local = [u for u in by_name.values() if u.data_path and Path(str(u.data_path)).is_file()]
    return local[0] if local else by_name[PLAIN]


def enlarged(picture: Image.Image, factor: float, upscaler: Any) -> Image.Image:
    """Return a picture that an upscaler has made larger, in RGB; those who wait are told of it."""
    shared.state.textinfo = f"Upscaling with {upscaler.name}"
    larger: Image.Image = upscaler.scaler.upscale(picture, factor, upscaler.data_path)
    return larger.convert("RGB")

"""The webui's own refiner, which gives way to what of ours cannot be in a sampling beside it."""

from __future__ import annotations

from typing import Any

from modules import shared


def switch_off(p: Any) -> str | None:
    """Take the webui's own refiner out of a request; return its title, or None if it names none."""
    info = getattr(p, "refiner_checkpoint_info", None)
    if info is None:
        return None
    p.refiner_checkpoint = p.refiner_checkpoint_info = None
    title: str = info.short_title
    return title


def has_taken_over(p: Any) -> bool:
    """Whether the webui's active model is the request's own refiner, which takes the base's place."""
    info = getattr(p, "refiner_checkpoint_info", None)
    return info is not None and shared.sd_model.sd_checkpoint_info == info

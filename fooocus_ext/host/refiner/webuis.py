"""The webui's own refiner, which gives way to what of ours cannot be in a sampling beside it."""

from __future__ import annotations

from typing import Any


def switch_off(p: Any) -> str | None:
    """Take the webui's own refiner out of a request; return its title, or None if it names none."""
    info = getattr(p, "refiner_checkpoint_info", None)
    if info is None:
        return None
    p.refiner_checkpoint = p.refiner_checkpoint_info = None
    title: str = info.short_title
    return title

"""Doubles modules/modelloader.py: looking for upscalers again."""

from __future__ import annotations

from modules import shared, upscaler


def load_upscalers() -> None:
    """List the upscalers there are; here, those that need no model."""
    shared.sd_upscalers = upscaler.builtin_upscalers()

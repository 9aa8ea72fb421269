"""Doubles modules/sd_hijack_open_clip.py: where extensions look for OpenCLIP's wrapper."""

from __future__ import annotations

from modules.sd_hijack_clip import FrozenOpenCLIPEmbedder2WithCustomWords  # noqa: F401

"""Doubles modules/sd_unet.py: alternative UNets, of which there are none."""

from __future__ import annotations

current_unet = None
original_forward = None


def apply_unet(option=None):
    """Keep the checkpoint's own."""

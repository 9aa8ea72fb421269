"""Doubles modules/sd_unet.py: alternative UNets, of which there are none."""

from __future__ import annotations

unet_options: list = []
current_unet_option = None
current_unet = None
original_forward = None


def list_unets():
    """Only the checkpoint's own."""


def apply_unet(option=None):
    """Keep the checkpoint's own."""

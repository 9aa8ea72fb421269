"""Doubles modules/lowvram.py: never active here."""

from __future__ import annotations


def is_enabled(sd_model):
    """False."""
    return False


def apply(sd_model):
    """The whole model stays on one device."""
    sd_model.lowvram = False


def send_everything_to_cpu():
    """Nothing is spread over devices."""

"""Doubles k_diffusion/utils.py."""

from __future__ import annotations


def append_dims(x, target_dims):
    """`x` with axes of size 1 appended until it has `target_dims` of them."""
    return x[(...,) + (None,) * (target_dims - x.ndim)]

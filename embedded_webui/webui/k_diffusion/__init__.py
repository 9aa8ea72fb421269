"""Doubles the parts of the `k_diffusion` package (MIT) that the webui uses, written anew."""

from __future__ import annotations

from k_diffusion import external, sampling, utils  # noqa: F401

"""What the active model's text encoder makes of words: how many tokens, and which are embeddings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from modules import sd_models

try:
    from modules import sd_hijack
except ImportError:  # ersatzForge has none
    sd_hijack = None

from fooocus_ext.host.machine import versions

Lengths = tuple[int, int]
"""A prompt's tokens, and the places that they take in whole chunks of 75."""


def prompt_lengths() -> Callable[[str], Lengths] | None:
    """Return what counts a prompt's tokens as the active model does; None while none is loaded."""
    lengths = _lengths_of_host()
    if lengths is None:
        return None

    def counted(text: str) -> Lengths:
        tokens, places = lengths(text)
        return int(tokens), int(places)

    return counted


def token_counter() -> Callable[[str], int] | None:
    """Return what counts a prompt's tokens alone; None while no model is loaded."""
    lengths = prompt_lengths()
    return None if lengths is None else lambda text: lengths(text)[0]


def _lengths_of_host() -> Callable[[str], tuple[Any, Any]] | None:
    hijack, model = _hijack(), sd_models.model_data.sd_model
    if not versions.forge_packages():
        return hijack.get_prompt_lengths if getattr(hijack, "clip", None) is not None else None
    if getattr(model, "sd_checkpoint_info", None) is None:
        return None  # Forge has a stand-in there until the first picture
    if hasattr(model, "get_prompt_lengths_on_ui"):
        counted: Callable[[str], tuple[Any, Any]] = model.get_prompt_lengths_on_ui
        return counted
    encoder = model.cond_stage_model  # reForge, Classic
    return lambda text: hijack.get_prompt_lengths(text, encoder)


def embedding_names() -> tuple[str, ...]:
    """Return the words that stand for embeddings instead of what they say."""
    return tuple(getattr(_embeddings(), "word_embeddings", ()))


def installed_embeddings() -> tuple[str, ...]:
    """Return the names of all embeddings, those that do not suit the active model included."""
    return (*embedding_names(), *getattr(_embeddings(), "skipped_embeddings", ()))


def _embeddings() -> Any:
    database = getattr(_hijack(), "embedding_db", None)
    if database is not None:
        return database
    # Forge knows them as the cards of its page alone.
    cards = sys.modules.get("modules.ui_extra_networks_textual_inversion")
    return getattr(cards, "embedding_db", None)


def _hijack() -> Any:
    return getattr(sd_hijack, "model_hijack", None)

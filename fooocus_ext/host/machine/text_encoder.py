"""What the active model's text encoder makes of words: how many tokens, and which are embeddings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from modules import sd_hijack, sd_models

from fooocus_ext.host.machine import versions


def token_counter() -> Callable[[str], int] | None:
    """Return what counts a prompt's tokens as the active model does; None while none is loaded."""
    hijack = sd_hijack.model_hijack
    if versions.forge_packages():
        return _counter_on_forge(hijack, sd_models.model_data.sd_model)
    if getattr(hijack, "clip", None) is None:
        return None
    return lambda text: int(hijack.get_prompt_lengths(text)[0])


def _counter_on_forge(hijack: Any, model: Any) -> Callable[[str], int] | None:
    if getattr(model, "sd_checkpoint_info", None) is None:
        return None  # Forge has a stand-in there until the first picture
    if hasattr(model, "get_prompt_lengths_on_ui"):
        return lambda text: int(model.get_prompt_lengths_on_ui(text)[0])
    encoder = model.cond_stage_model  # reForge, Classic
    return lambda text: int(hijack.get_prompt_lengths(text, encoder)[0])


def embedding_names() -> tuple[str, ...]:
    """Return the words that stand for embeddings instead of what they say."""
    return tuple(getattr(_embeddings(), "word_embeddings", ()))


def installed_embeddings() -> tuple[str, ...]:
    """Return the names of all embeddings, those that do not suit the active model included."""
    return (*embedding_names(), *getattr(_embeddings(), "skipped_embeddings", ()))


def _embeddings() -> Any:
    database = getattr(sd_hijack.model_hijack, "embedding_db", None)
    if database is not None:
        return database
    # Forge knows them as the cards of its page alone.
    cards = sys.modules.get("modules.ui_extra_networks_textual_inversion")
    return getattr(cards, "embedding_db", None)

"""Which expansion model is used on this machine, and on which device."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from modules import devices, paths, sd_hijack, shared

from fooocus_ext.host import options
from fooocus_ext.prompting.expander.folder import MODELS_SUBFOLDER, find_expansion_folder

if TYPE_CHECKING:
    from fooocus_ext.prompting.expander import Expander, Expansion

log = logging.getLogger("fooocus")


def expand(texts: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return each text with its continuation, chosen by its seed."""
    return [expansion.text for expansion in expansions(texts, seeds)]


def expansions(texts: Sequence[str], seeds: Sequence[int]) -> list[Expansion]:
    """Continue texts, with what was written and how many tokens that takes."""
    return _expander().expansions(
        texts,
        seeds,
        target_tokens=options.expansion_target(),
        hidden_words=tuple(sd_hijack.model_hijack.embedding_db.word_embeddings),
    )


def models_folder() -> Path:
    """Return where the user's own model is looked for without being told."""
    return Path(paths.models_path) / MODELS_SUBFOLDER


def forget_models() -> None:
    """Load models anew when they are needed next: files have changed."""
    from fooocus_ext.prompting.expander import release_expanders

    release_expanders()
    _warn_once.cache_clear()


def _expander() -> Expander:
    """Return the user's own model if there is a usable one, else the one that we ship.

    The user's model (the size of GPT-2) runs where the host's text encoders do. Ours is so small
    that a CPU is faster than the way to a GPU and back, and gives the same words everywhere.
    """
    from fooocus_ext.prompting.expander import (
        ExpansionModelError,
        cached_expander,
    )

    explicit = getattr(shared.cmd_opts, "fooocus_expansion_dir", None)
    folder = find_expansion_folder(Path(explicit) if explicit else None, Path(paths.models_path))
    if folder is not None:
        on_gpu = devices.device.type == "cuda"
        try:
            return cached_expander(
                folder,
                device=devices.device if on_gpu else devices.cpu,
                dtype=devices.dtype if on_gpu else torch.float32,
            )
        except ExpansionModelError as error:
            _warn_once(f"{error}; the built-in expansion model is used instead")
    return cached_expander()


@functools.lru_cache(maxsize=8)
def _warn_once(text: str) -> None:
    log.warning("%s", text)

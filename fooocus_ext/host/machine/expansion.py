"""Which expansion model is used on this machine, and on which device."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from modules import devices, paths, shared

from fooocus_ext.host.machine import options, text_encoder
from fooocus_ext.prompting.expansion_folder import (
    MODELS_SUBFOLDER,
    FolderState,
    find_expansion_folder,
    folder_state,
)

if TYPE_CHECKING:
    from fooocus_ext.prompting.expander import Expander

log = logging.getLogger("fooocus")


def expand(
    texts: Sequence[str],
    seeds: Sequence[int],
    style_texts: Sequence[str] | None = None,
    preceding: Sequence[str] | None = None,
) -> list[str]:
    """Return each text with its continuation, chosen by its seed.

    Args:
        texts: prompts.
        seeds: one for each.
        style_texts: for each what the styles beside it say, so that it is neither repeated nor
            contradicted; None for no styles.
        preceding: for each the text behind which the continuation is encoded; None for the prompt alone.
    """
    expansions = _expander().expansions(
        texts,
        seeds,
        target_tokens=options.expansion_target(),
        hidden_words=text_encoder.embedding_names(),
        count_tokens=text_encoder.token_counter(),
        style_texts=style_texts,
        preceding=preceding,
        fill=options.expansion_fills(),
    )
    return [expansion.text for expansion in expansions]


def models_folder() -> Path:
    """Return where the user's own model is looked for without being told."""
    return Path(paths.models_path) / MODELS_SUBFOLDER


def forget_models() -> None:
    """Load models anew when they are needed next: files have changed."""
    from fooocus_ext.prompting.expander import release_expanders

    release_expanders()
    _usable.cache_clear()


def _expander() -> Expander:
    """Return the user's own model if there is a usable one, else the one that we ship."""
    from fooocus_ext.prompting.expander import cached_expander

    explicit = getattr(shared.cmd_opts, "fooocus_expansion_dir", None)
    folder = find_expansion_folder(Path(explicit) if explicit else None, Path(paths.models_path))
    if folder is not None and _usable(folder, folder_state(folder)):
        return cached_expander(folder, **_placement())
    return cached_expander()


def _placement() -> dict[str, Any]:
    """Return where the user's model computes: with the size of GPT-2, where the text encoders do.

    Ours is so small that a CPU is faster than the way to a GPU and back, and gives the same words
    everywhere.
    """
    if devices.device.type == "cuda":
        return {"device": devices.device, "dtype": devices.dtype}
    return {"device": devices.cpu, "dtype": torch.float32}


@functools.lru_cache(maxsize=8)
def _usable(folder: Path, _state: FolderState) -> bool:
    """Load the user's model and have it write; what is wrong is logged once, until a file changes."""
    from fooocus_ext.prompting.expander import ExpansionModelError, cached_expander

    try:
        cached_expander(folder, **_placement()).expansions(["a cat"], [0], target_tokens=8)
    except ExpansionModelError as error:
        log.warning("%s; the built-in expansion model is used instead", error)
        return False
    except Exception:  # whatever foreign files lead to, prompts are expanded
        log.exception("%s cannot be used; the built-in expansion model is used instead", folder)
        return False
    return True

"""Prompt expansion: a language model writes on behind the prompt ("Fooocus V2").

Only allowed words may be written, each at most once, those of prompt and styles included; commas separate
them; each word is sampled from the best ``top_k``. Which words: those of the model in use, our own
(``docs/expander.md``) or the user's copy of Fooocus's. What would fight the prompt is closed before the
model chooses (``harmony.py``, ``accord.py``). A few phrases are written and then no more; with ``fill`` the
text goes on until the room is filled up to a multiple of 75 tokens of CLIP, as Fooocus does.

Nothing heavy is imported before a model is loaded, and nothing random but a ``torch.Generator`` of each
prompt's own is used.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

import torch

from fooocus_ext.prompting.expander.expander import MAX_TARGET, Expander, Expansion
from fooocus_ext.prompting.expander.model import (
    BUILT_IN_FOLDER,
    load_model,
)
from fooocus_ext.prompting.expander.model_files import ExpansionModelError
from fooocus_ext.prompting.expansion_folder import FolderState, folder_state

__all__ = [
    "MAX_TARGET",
    "Expander",
    "Expansion",
    "ExpansionModelError",
    "cached_expander",
    "load_expander",
    "release_expanders",
]


def load_expander(
    folder: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Expander:
    """Load an expansion model.

    Args:
        folder: of a model with Fooocus's or our files; None for the one that the extension ships.
        device: where to compute.
        dtype: in what precision; on a CPU float32 is meant.

    Raises:
        ExpansionModelError: a file of the folder is missing or cannot be used.
    """
    return Expander(load_model(folder or BUILT_IN_FOLDER, device=torch.device(device), dtype=dtype))


_loading = threading.Lock()


def cached_expander(
    folder: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Expander:
    """Return what ``load_expander`` returns; the last two models stay loaded while no file changes."""
    state = folder_state(folder) if folder else ()
    with _loading:
        return _load_cached(folder, str(device), dtype, state)


def release_expanders() -> None:
    """Forget the loaded models, after a folder was changed or to free their memory."""
    with _loading:
        _load_cached.cache_clear()


@lru_cache(maxsize=2)
def _load_cached(
    folder: Path | None, device: str, dtype: torch.dtype, _state: FolderState
) -> Expander:
    return load_expander(folder, device=device, dtype=dtype)

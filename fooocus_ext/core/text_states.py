"""The states of encoded texts: emphasis, and several texts joined into one conditioning, as Fooocus does.

Facts from Fooocus 2.5.5: ``modules/patch_clip.py`` (emphasis) and ``modules/default_pipeline.py``,
``clip_encode`` (joining).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class EncodedText:
    """One text, or several joined.

    Attributes:
        states: of each text encoder [T,C], T a multiple of 77.
        pooled: the pooled vector [P].
    """

    states: tuple[torch.Tensor, ...]
    pooled: torch.Tensor


def emphasise(states: torch.Tensor, empty: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return states that follow the weights of their tokens.

    Each state moves from the empty text's by its weight; then each chunk gets its old mean back.

    Args:
        states: of the chunks of one text [N,77,C].
        empty: of the empty text [77,C].
        weights: of the tokens [N,77]; 1 leaves a state as it is.

    Returns:
        [N,77,C] in float32.
    """
    states, empty = states.float(), empty.float()
    weight = weights.to(states)[..., None]
    moved = torch.where(weight != 1.0, (states - empty) * weight + empty, states)
    return torch.stack(
        [
            after * (before.mean() / after.mean())
            for before, after in zip(states, moved, strict=True)
        ]
    )


def join(texts: Sequence[EncodedText], pooled: int) -> EncodedText:
    """Return texts joined along their tokens, with the sum of the first ``pooled`` pooled vectors."""
    return EncodedText(
        states=tuple(torch.cat(rows) for rows in zip(*(t.states for t in texts), strict=True)),
        pooled=sum((text.pooled for text in texts[1:pooled]), texts[0].pooled),
    )


def of_equal_length(rows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return states [T,C] of different T repeated to the same length.

    Attention over states that are repeated as a whole is what it is over those states alone.
    """
    length = math.lcm(*(len(row) for row in rows))
    return [row.repeat(length // len(row), 1) for row in rows]

"""The states of encoded texts: emphasis, and several texts joined into one conditioning, as Fooocus does.

Facts from Fooocus 2.5.5: ``modules/patch_clip.py`` (emphasis) and ``modules/default_pipeline.py``,
``clip_encode`` (joining).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

_CHUNK = 77


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
    """Return states [T,C] of different T repeated to the same length, at most `_affordable`.

    Attention over states that are repeated as a whole is what it is over those states alone. Where that
    would take too many, the last repeat is cut off: the longest are repeated as a whole, and no state of
    the others weighs more than a quarter more than another. (Fooocus then calls the model for each apart.)
    """
    lengths = [len(row) for row in rows]
    length = min(math.lcm(*lengths), _affordable(max(lengths)))
    return [row.repeat(-(-length // len(row)), 1)[:length] for row in rows]


def _affordable(longest: int) -> int:
    """Return how many states texts may be repeated to, a multiple of those of the longest.

    With 32 chunks SDXL takes half as long again as with one, for a picture of 1024 x 1024: each state
    costs 0.55 of the 3000 billion multiplications of a model call.
    """
    return max(4 * longest, 32 * _CHUNK // longest * longest)

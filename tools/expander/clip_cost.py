"""What a lower-case word costs in CLIP's text encoder, in tokens."""

from __future__ import annotations

import itertools
from functools import cache

from tools.expander.sources import clip_merges


@cache
def _ranks() -> dict[tuple[str, str], int]:
    return {merge: rank for rank, merge in enumerate(clip_merges())}


@cache
def clip_cost(word: str) -> int:
    """Return the number of CLIP tokens of ``word`` (ASCII letters) by byte-pair merging."""
    parts = [*word[:-1], word[-1] + "</w>"]
    ranks = _ranks()
    while len(parts) > 1:
        pairs = list(itertools.pairwise(parts))
        best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        index = pairs.index(best)
        parts[index : index + 2] = [best[0] + best[1]]
    return len(parts)

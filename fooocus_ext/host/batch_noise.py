"""The host's noise of a batch of pictures, which it keeps as ``p.rng``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Noise = TypeVar("Noise")


def of_same_batch(noise: Any, kind: Callable[..., Noise], *, seed_step: int = 0) -> Noise:
    """Return the noise that ``kind`` makes for the batch of ``noise``, of its seeds plus ``seed_step``."""
    return kind(
        noise.shape,
        [seed + seed_step for seed in noise.seeds],
        subseeds=noise.subseeds,
        subseed_strength=noise.subseed_strength,
        seed_resize_from_h=noise.seed_resize_from_h,
        seed_resize_from_w=noise.seed_resize_from_w,
    )

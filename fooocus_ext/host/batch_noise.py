"""The host's noise of a batch of pictures, which it keeps as ``p.rng``.

Another extension may have wrapped it (ControlNet 1.1.455 does for "inpaint_only+lama"): its ``rng`` is the
host's then, and it changes what comes out of that.
"""

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


def hosts_own(noise: Any) -> Any:
    """Return the noise that the host made, from within all wrappers."""
    return hosts_own(noise.rng) if hasattr(noise, "rng") else noise


def replaced(noise: Any, make: Callable[[Any], Any]) -> Any:
    """Return the noise with the host's own replaced by what ``make`` returns for it; wrappers stay."""
    if not hasattr(noise, "rng"):
        return make(noise)
    noise.rng = replaced(noise.rng, make)
    return noise

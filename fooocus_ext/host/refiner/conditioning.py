"""The host's conditioning of a batch, made for the refiner: what is kept of it, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from modules import shared

_ENCODED_OPTIONS = (
    "sdxl_refiner_high_aesthetic_score",
    "sdxl_refiner_low_aesthetic_score",
    "sdxl_clip_l_skip",
)

Conds = tuple[Any, Any]
"""The host's conditioning of a batch: positive, and negative or None."""
CondsOfStep = Callable[[int], Conds]
"""That of a model call, by the number of those before it."""


def told_beside_texts(p: Any) -> Hashable:
    """Return what is encoded beside the texts, but missing in the keys of the host's caches.

    (A1111 1.6 to 1.10, Forge dfdcbab, reForge 3b56b26, Classic 1f95d71.)
    """
    options = (getattr(shared.opts, name, None) for name in _ENCODED_OPTIONS)
    sizes = (getattr(p, name, 0) for name in ("hr_upscale_to_x", "hr_upscale_to_y"))
    return (*options, *sizes)


def always(conds: Conds) -> CondsOfStep:
    """Return one conditioning for all steps."""
    return lambda _step: conds


def of_first_pass(p: Any) -> CondsOfStep:
    """Return what the host has encoded for the first pass.

    reForge (3b56b26) can change clip skip from step to step, and then encodes the texts for each.
    """
    schedule = getattr(p, "dynamic_clip_skip_schedule", None)
    if not schedule:
        return always((p.c, p.uc))
    sets, last = p.dynamic_clip_skip_sets, len(schedule) - 1
    return lambda step: sets[schedule[min(step, last)]]


@contextmanager
def kept(p: Any) -> Iterator[None]:
    """Keep what ``p`` refers to: encoding leaves conditioning there, under names of each host's own."""
    attributes = vars(p)
    before = dict(attributes)
    try:
        yield
    finally:
        for name in attributes.keys() - before.keys():
            del attributes[name]
        attributes.update(before)

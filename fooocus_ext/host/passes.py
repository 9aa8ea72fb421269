"""The passes of hires fix: which one is sampled, their sizes, their samplers, and which a refiner has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modules import devices, extra_networks, sd_models, shared

FIRST_PASS, SECOND_PASS = "first pass", "second pass"
BOTH_PASSES = "both passes"
_AS_IN_THE_FIRST = {
    "hr_sampler_name": "Use same sampler",
    "hr_scheduler": "Use same scheduler",
    "hr_checkpoint_name": "Use same checkpoint",
}


def passes_of(p: Any) -> frozenset[str]:
    """Return the passes that the refiner takes part in; of hires fix, the host's option names them.

    There may be none: hires fix of a finished picture (the gallery's button) samples no first pass.
    """
    if not getattr(p, "enable_hr", False):
        return frozenset({FIRST_PASS})
    choice = getattr(shared.opts, "hires_fix_refiner_pass", SECOND_PASS)
    passes = {FIRST_PASS, SECOND_PASS} if choice == BOTH_PASSES else {choice}
    if getattr(p, "firstpass_image", None) is not None:
        passes.discard(FIRST_PASS)
    return frozenset(passes)


def name_none_for_the_same(p: Any) -> None:
    """Take the page's words for "as in the first pass" out of a request, as the webui's page does.

    The API of A1111 1.10 reads them in an infotext, and then looks for a sampler of that name.
    """
    for attribute, words in _AS_IN_THE_FIRST.items():
        if getattr(p, attribute, None) == words:
            setattr(p, attribute, None)


def in_second_pass(p: Any) -> bool:
    """Whether ``p`` is in the second pass of hires fix; image to image has no such attribute."""
    return bool(getattr(p, "is_hr_pass", False))


def size_of_pass(p: Any) -> tuple[int, int]:
    """Return (height, width) in pixels of the pass being sampled."""
    if in_second_pass(p):
        return p.hr_upscale_to_y, p.hr_upscale_to_x
    return p.height, p.width


def has_checkpoint_of_its_own(p: Any) -> bool:
    """Whether the second pass of hires fix runs on another checkpoint than the first.

    The first one's is that of the webui's options, whichever model is loaded at the moment.
    """
    name = getattr(p, "hr_checkpoint_name", None)
    if name in (None, "", _AS_IN_THE_FIRST["hr_checkpoint_name"]):
        return False
    second, first = sd_models.get_closet_checkpoint_match(name), sd_models.select_checkpoint()
    return second is None or first is None or second.filename != first.filename


def sampler_names(p: Any, passes: frozenset[str]) -> set[str]:
    """Return the samplers that the passes are sampled with."""
    names = {FIRST_PASS: p.sampler_name, SECOND_PASS: second_sampler_name(p)}
    return {names[name] for name in passes}


def second_sampler_name(p: Any) -> Any:
    """Return the sampler of the second pass: its own, or that of the first."""
    return getattr(p, "hr_sampler_name", None) or p.sampler_name


@contextmanager
def second_pass_networks(p: Any) -> Iterator[None]:
    """Have the second pass's LoRAs active, as the host has when it encodes that pass."""
    differs = p.hr_extra_network_data != p.extra_network_data and not p.disable_extra_networks
    if not differs:
        yield
        return
    with devices.autocast():
        extra_networks.activate(p, p.hr_extra_network_data)
    try:
        yield
    finally:
        with devices.autocast():
            extra_networks.activate(p, p.extra_network_data)

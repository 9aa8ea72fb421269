"""What a request names and only a webui can know: its models, samplers, styles, presets and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bulk import body
from fooocus_ext import args

NAMED = {
    "sampler_name": "sampler",
    "hr_sampler_name": "sampler",
    "scheduler": "scheduler",
    "hr_scheduler": "scheduler",
    "refiner_checkpoint": "checkpoint",
    "hr_checkpoint_name": "checkpoint",
}
"""Field -> the kind of name that it has."""
NO_NAMES = {("refiner_checkpoint", "None"), ("refiner_checkpoint", "none")}
"""(field, what it says) that the webui takes for no name."""


def names_in(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) for all that a request names and only a webui can know."""
    for name, kind in NAMED.items():
        if request.get(name) and (name, request[name]) not in NO_NAMES:
            yield kind, request[name]
    model = model_named(request)
    if model:
        yield "checkpoint", model
    yield from (("webui style", name) for name in request.get("styles", ()))
    yield from (("script", name.lower()) for name in request.get(body.SCRIPTS, ()))
    ours = fooocus_of(request)
    yield from (("style", name) for name in ours.get("styles", ()))
    preset = preset_named(request)
    if preset:
        yield "preset", preset
    if ours.get("refiner", args.NONE) != args.NONE:
        yield "checkpoint", ours["refiner"]


def fooocus_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extension's named settings in a request; empty for none, and for values by position."""
    slots = request.get(body.SCRIPTS, {}).get(args.TITLE, {}).get("args", [])
    return slots[0] if slots and isinstance(slots[0], dict) else {}


def model_named(request: Mapping[str, Any]) -> str:
    """Return the checkpoint that a request asks for, "" for the one that the webui has loaded."""
    return str(request.get(body.SETTINGS, {}).get(body.MODEL) or "")


def preset_named(request: Mapping[str, Any]) -> str:
    """Return the preset that a request asks for, "" for none."""
    preset = str(fooocus_of(request).get("preset", args.NONE))
    return "" if preset == args.NONE else preset

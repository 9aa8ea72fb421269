"""Files that the chosen preset has been waiting for: what they change on the page when they have come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.presets.file_names import match_file
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.resolve import Resolution
from fooocus_ext.tab.widgets import LORAS


def values_for(
    arrived: Sequence[str], preset: Preset, found: Resolution, slots: Sequence[str]
) -> dict[str, Any]:
    """Return widgets' values: the preset's choices that name a file of ``arrived``, and no others.

    Args:
        arrived: the files' names.
        preset: the chosen preset.
        found: its files, looked up on this machine after they came.
        slots: the LoRAs on the page; a new one takes the first place that is free.
    """
    values: dict[str, Any] = {}
    named = {
        "base_model": (preset.base_model, found.checkpoint),
        "refiner": (preset.refiner, found.refiner),
        "vae": (preset.vae, found.vae),
    }
    for widget, (wanted, name) in named.items():
        if wanted and name and match_file(wanted, arrived):
            values[widget] = name
    free = [slot for slot, name in zip(LORAS, slots, strict=False) if name in ("", NONE)]
    for name, weight in found.loras:
        if match_file(name, arrived) and name not in slots and free:
            values.update(free.pop(0).values(name, weight))
    return values

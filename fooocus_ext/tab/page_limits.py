"""How many pictures and LoRAs the page offers, which may be fewer than a job takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fooocus_ext.args import NONE
from fooocus_ext.limits import IMAGE_NUMBER, LORA_SLOTS
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.widgets import LORAS, LoraWidgets

_WHERE = "Settings > Fooocus has the limit."


@dataclass(frozen=True)
class PageLimits:
    """What the page offers.

    Attributes:
        image_number: the most pictures of a job, within ``limits.IMAGE_NUMBER``.
        lora_slots: how many LoRAs can be chosen, 1 to ``limits.LORA_SLOTS``.
    """

    image_number: int = IMAGE_NUMBER.maximum
    lora_slots: int = LORA_SLOTS


def fit(filled: Filled, limits: PageLimits) -> Filled:
    """Return the values as the page can show them, with a note on each that does not fit.

    A LoRA of a slot that is not on the page takes a free one that the values fill as well.
    """
    values, notes = dict(filled.values), list(filled.notes)
    number = values.get("image_number")
    if number is not None and number > limits.image_number:
        values["image_number"] = limits.image_number
        notes.append(f"Image number {number} becomes {limits.image_number}. {_WHERE}")
    left_out = []
    for slot in LORAS[limits.lora_slots :]:
        if _is_empty(values.get(slot.lora)):
            continue
        to = next((s for s in LORAS[: limits.lora_slots] if _is_free(values, s)), None)
        if to is None:
            left_out.append(f'"{values[slot.lora]}"')
        else:
            values.update(
                {new: values[old] for old, new in zip(slot, to, strict=True) if old in values}
            )
        values[slot.lora] = NONE
    if left_out:
        notes.append(
            f"The page has {limits.lora_slots} LoRA slots; left out: {', '.join(left_out)}. {_WHERE}"
        )
    return Filled(values, tuple(notes))


def _is_empty(name: str | None) -> bool:
    return name in (None, "", NONE)


def _is_free(values: Mapping[str, Any], slot: LoraWidgets) -> bool:
    return slot.lora in values and _is_empty(values[slot.lora])

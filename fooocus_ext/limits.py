"""Limits that the tab, the API and preset files share, and that are no part of the argument table."""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """The smallest and the largest value that is accepted, both included."""

    minimum: float
    maximum: float


class WholeRange(NamedTuple):
    """The same for whole numbers."""

    minimum: int
    maximum: int


CFG_SCALE = Range(1.0, 30.0)
IMAGE_NUMBER = WholeRange(1, 32)
"""Pictures of one job; picture i gets seed + i."""
SEED = WholeRange(0, 2**63 - 1 - IMAGE_NUMBER.maximum)
"""What leaves every picture of a job a seed that the webui can use."""
LORA_WEIGHT = Range(-10.0, 10.0)
LORA_SLOTS = 5
CLIP_SKIP = WholeRange(1, 12)
USUAL_CLIP_SKIP = 2
"""What SDXL is trained with, and Fooocus's default: the states before the last layer."""
CLIP_SKIP_ON_SDXL = "clip skip cannot act on SDXL, which always uses the last layer but one"
"""Why clip skip has no effect, for messages."""
OFF = -1
"""Written for "nothing is forced", as Fooocus does."""
FORCED_STEPS = WholeRange(OFF, 200)
FORCED_SIDE = WholeRange(64, 4096)
"""Width and height in pixels, in steps of 8."""
MAX_TEXT_LENGTH = 20_000
"""Characters of a prompt."""
MAX_ITEMS = 500
"""Items of a list: names of styles, LoRAs, addresses."""
MAX_NOTES = 20
"""Sentences about things of one kind, such as styles that are missing; the rest is counted."""

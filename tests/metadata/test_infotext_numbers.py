"""Numbers in pasted infotexts that no widget and no answer can carry."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.metadata.infotext import from_infotext

NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "1e999",
    "9" * 400,
    "." + "9" * 400,
    "1." + "9" * 400,
    "²",
    "-",
    "",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_is_infinite(number):
    entries = dict.fromkeys(("Steps", "Seed", "CFG scale", "Size-1", "Size-2"), number)
    found = from_infotext({"Prompt": f"a fox <lora:film:{number}>", **entries})
    numbers = [found.steps, found.seed, found.guidance_scale, found.size, found.loras]
    json.dumps(numbers, allow_nan=False)

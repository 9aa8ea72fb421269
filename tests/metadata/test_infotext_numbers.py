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


def test_tags_leave_with_the_blanks_before_them():
    prompt = "a fox  <lora:film:.5> <lora:ink:-1.25>, at dusk <lora:odd:x>"
    found = from_infotext({"Prompt": prompt})
    assert found.prompt == "a fox, at dusk <lora:odd:x>"
    assert found.loras == (("film", 0.5), ("ink", -1.25))


def test_a_tag_in_a_comment_is_no_lora():
    prompt = "a fox <lora:film:1> # or <lora:ink:1>\nat dusk <lora:oil:2>"
    found = from_infotext({"Prompt": prompt})
    assert found.prompt == "a fox # or <lora:ink:1>\nat dusk"
    assert found.loras == (("film", 1.0), ("oil", 2.0))

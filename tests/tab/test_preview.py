"""The table of a picture's settings, as it is read before they are used."""

from __future__ import annotations

import json
from pathlib import Path

from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.tab.fill import fill
from fooocus_ext.tab.preview import rows
from fooocus_ext.tab.widgets import DEFAULTS
from tests.tab.names import INSTALLED, STYLES


def test_values_stand_in_the_order_of_the_page_and_as_a_person_reads_them():
    values = {
        "seed": "12",
        "random_seed": False,
        "styles": json.dumps(["Fooocus Sharp", "O'Brien, x"]),
        "prompt": "a <b>fox</b>",
        "guidance_scale": 4.0,
        "same_seed": True,
        "lora_2": "film",
        "lora_weight_2": 0.25,
        "lora_on_2": True,
    }
    assert rows(values) == [
        ("Prompt", "a <b>fox</b>"),
        ("Selected styles", "Fooocus Sharp, O'Brien, x"),
        ("Seed", "12"),
        ("LoRA 2", "film (0.25)"),
        ("Guidance scale", "4"),
        ("Same seed", "yes"),
    ]


def test_what_is_empty_or_off_or_out_of_sight_is_left_out():
    assert rows({}) == []
    off = {"prompt": "", "refiner": "None", "lora_1": "None", "lora_weight_1": 1.0, "width": -1}
    assert rows({**off, "lora_on_1": True, "original_texts": "{}", "styles": "[]"}) == []


def test_every_widget_has_a_row_or_is_left_out_on_purpose():
    labels = [label for label, _text in rows(DEFAULTS)]
    assert len(labels) == len(set(labels))
    assert {"Performance", "VAE", "Sharpness", "Rendering"} <= set(labels)


def test_a_picture_of_fooocus_says_what_it_would_bring():
    picture = Path(__file__).resolve().parents[1] / "data" / "by-fooocus" / "fooocus.png"
    settings = read_fooocus_settings(picture.read_bytes(), STYLES)
    table = dict(rows(fill(settings.as_chosen(), INSTALLED, STYLES).values))
    assert table["Prompt"] == "a red house in the forest\nsnow"
    assert table["Forced steps"] == "8"

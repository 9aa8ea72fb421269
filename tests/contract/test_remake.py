"""Pictures that Fooocus itself made are made again: from the text in them, over the API.

``tests/data/by-fooocus`` has been made by Fooocus 2.5.5 with Pocket SDXL, in styles and with an expansion
that are installed nowhere.
"""

from __future__ import annotations

import importlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fooocus_ext.metadata.picture_file import picture_text
from tests.contract.families import PASS_HOOK
from tests.contract.hosts import FAMILY

DATA = Path(__file__).resolve().parents[1] / "data" / "by-fooocus"
REMAKE = "/fooocus/v1/remake"


def text_in(name):
    return picture_text(DATA / name)[0]


def pixels(picture):
    return np.asarray(picture.convert("RGB"), dtype=np.int16)


def assert_is(host, made, name):
    """Fooocus repeats itself to one step of 255; the embedded webui's encoders differ in the last bits."""
    FAMILY.need(PASS_HOOK)
    with Image.open(DATA / name) as original:
        again = Image.fromarray(made)
        if original.format != "PNG":
            stream = io.BytesIO()
            again.save(stream, original.format, quality=95)
            again = Image.open(stream)
        difference = np.abs(pixels(again) - pixels(original))
    most, mean = (7, 0.06) if host.is_embedded else (1, 0.001)
    assert difference.max() <= most
    assert difference.mean() <= mean


@pytest.mark.parametrize("name", ["fooocus.png", "a1111-expansion.png"])
def test_a_picture_of_fooocus_is_made_again_without_its_styles_and_expansion(host, name):
    made = host.post(REMAKE, {"text": text_in(name)})
    assert made.status == 200, made.body
    assert made.body["notes"][0].startswith("The texts of the original picture are used")
    assert_is(host, made.pictures[0], name)


def test_its_infotext_makes_it_once_more(host):
    made = host.post(REMAKE, {"text": text_in("fooocus.png")})
    (infotext,) = made.body["infotexts"]
    again = host.post("/sdapi/v1/txt2img", {"infotext": infotext})
    assert again.status == 200, again.body
    assert again.same_pixels(made)
    assert again.infotext == infotext


def test_after_an_edit_the_prompt_is_what_counts(host):
    stored = json.loads(text_in("fooocus.png"))
    texts = {name: stored[name] for name in ("full_prompt", "full_negative_prompt")}
    plain = host.generate({"rendering": "Fooocus"})
    edited = {**texts, "of": "0123456789abcdef"}
    after = host.generate({"rendering": "Fooocus", "original_texts": edited})
    assert after.same_pixels(plain)
    assert "original texts" not in after.infotext
    other = host.generate({"rendering": "Fooocus", "original_texts": texts})
    assert not other.same_pixels(plain)
    assert "Fooocus original texts" in other.infotext


def test_pasted_from_png_info_it_fills_the_tab_too(host):
    from fooocus_ext.host.tab import loaded

    text = text_in("fooocus.png")
    entries = host.modules.infotext_utils.parse_generation_parameters(text)
    host.modules.script_callbacks.infotext_pasted_callback(text, entries)
    values = loaded.fill_from_infotext(entries).values
    assert values["prompt"] == "a red house in the forest\nsnow"
    assert json.loads(values["original_texts"])["full_prompt"]


def test_send_to_fooocus_reads_the_infotext_once_for_all_widgets(host, monkeypatch):
    send = importlib.import_module("fooocus_ext.host.tab.send")
    read, fill_from_infotext = [], send.loaded.fill_from_infotext

    def noted(entries):
        read.append(entries)
        return fill_from_infotext(entries)

    monkeypatch.setattr(send.loaded, "fill_from_infotext", noted)
    fields = dict(
        zip(send.NAMES, send.paste_fields(dict.fromkeys((*send.NAMES, "log"))), strict=False)
    )
    for seed in ("5", "6"):
        entries = {"Prompt": "a fox", "Steps": "20", "Seed": seed, "Sampler": "Euler"}
        values = {name: take(entries).get("value") for name, (_at, take) in fields.items()}
        assert (values["seed"], values["prompt"]) == (seed, "a fox")
    assert len(read) == 2


@pytest.mark.reports_errors
@pytest.mark.parametrize("text", ["a fox", '{"version": "Fooocus v2", "seed": 5', "{}"])
def test_a_text_without_settings_is_refused(host, text):
    refused = host.post(REMAKE, {"text": text})
    assert refused.status == 422
    assert "contains no settings" in refused.detail

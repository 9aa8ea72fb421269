"""A picture of Fooocus, dropped on the tab: it is made again, until somebody edits what it came from."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.dropped import use_dropped

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURE = Path(__file__).resolve().parents[1] / "data" / "by-fooocus" / "fooocus.png"
IN_USE = "The texts of the original picture are used"


def shown_picture(tab):
    """The finished picture of the gallery, as the server has it: a preview has no address of its own."""
    shown = tab.page.locator("#fooocus_gallery img").first
    expect(shown).to_have_attribute("src", re.compile("^http"))
    answer = tab.page.request.get(shown.evaluate("image => image.src"))
    with Image.open(io.BytesIO(answer.body())) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def test_a_dropped_picture_of_fooocus_is_made_again_and_an_edit_takes_over(tab):
    use_dropped(tab, PICTURE)
    expect(tab.messages).to_contain_text(IN_USE)
    expect(tab.messages).to_contain_text("Somebody Film")
    expect(tab.prompt).to_have_value("a red house in the forest\nsnow")
    assert tab.number("steps") == 8
    tab.generate()
    expect(tab.messages).to_contain_text(IN_USE)
    with Image.open(PICTURE) as original:
        wanted = np.asarray(original.convert("RGB"), dtype=np.int16)
    difference = np.abs(shown_picture(tab) - wanted)
    assert difference.max() <= 7
    assert difference.mean() <= 0.06
    assert "Fooocus original texts" in tab.infotexts()[0]

    tab.generate("a blue house in the forest")
    expect(tab.messages).not_to_contain_text(IN_USE)
    assert "original texts" not in tab.infotexts()[0]
    assert np.abs(shown_picture(tab) - wanted).mean() > 1

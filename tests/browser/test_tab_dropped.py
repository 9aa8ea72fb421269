"""A picture dropped on the Fooocus tab: looked at before anything changes, by mouse or by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from tests.browser.dropped import drop

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURE = Path(__file__).resolve().parents[1] / "data" / "by-fooocus" / "fooocus.png"
PROMPT = "a red house in the forest\nsnow"


def test_settings_are_looked_at_and_used_only_if_the_user_says_so(tab):
    tab.prompt.fill("what I wrote")
    dialog = drop(tab, PICTURE)
    row = dialog.get_by_role("row", name="Prompt a red house")
    expect(row).to_be_visible()
    expect(dialog).to_contain_text("Somebody Film")
    expect(tab.prompt).to_have_value("what I wrote")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(tab.prompt).to_have_value("what I wrote")
    expect(tab.messages).not_to_contain_text("settings")

    drop(tab, PICTURE).get_by_role("button", name="Use these settings").click()
    expect(tab.prompt).to_have_value(PROMPT)
    expect(tab.messages).to_contain_text("The settings are loaded")


def test_the_keyboard_suffices(tab):
    tab.prompt.fill("what I wrote")
    dialog = drop(tab, PICTURE)
    expect(dialog.get_by_role("button", name="Use these settings")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab.prompt).to_have_value("what I wrote")

    expect(drop(tab, PICTURE).get_by_role("button", name="Use these settings")).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.prompt).to_have_value(PROMPT)


def test_a_picture_without_settings_says_so_and_offers_none(tab, tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (64, 64), "teal").save(plain)
    dialog = drop(tab, plain)
    expect(dialog.get_by_role("status")).to_have_text("This picture does not carry any settings.")
    expect(dialog.get_by_role("button")).to_have_text(["Work on this picture", "Cancel"])
    expect(dialog.get_by_role("img", name="The dropped picture")).to_be_visible()


def test_other_scripts_can_offer_more_to_do_with_a_picture(tab):
    tab.page.evaluate(
        "fooocusDropped.ways.push({words: 'Count its bytes', act: file => window.counted = file.size})"
    )
    drop(tab, PICTURE).get_by_role("button", name="Count its bytes").click()
    assert tab.page.evaluate("window.counted") == PICTURE.stat().st_size


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dialog_satisfies_axe(tab, theme):
    tab.page.evaluate(f"document.body.classList.toggle('dark', {str(theme == 'dark').lower()})")
    dialog = drop(tab, PICTURE)
    expect(dialog.get_by_role("row").first).to_be_visible()
    found = Axe().run(tab.page, context="#fooocus_dropped").response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []

"""A picture dropped on the Fooocus tab: looked at before anything changes, by mouse or by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from tests.browser.dropped import drag, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURE = Path(__file__).resolve().parents[1] / "data" / "by-fooocus" / "fooocus.png"
PROMPT = "a red house in the forest\nsnow"
PASTE = """async (box, {text, name}) => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 64});
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const clipboardData = new DataTransfer();
    if (text) clipboardData.setData("text/plain", text);
    clipboardData.items.add(new File([blob], name, {type: "image/png"}));
    const how = {clipboardData, bubbles: true, cancelable: true};
    return !box.dispatchEvent(new ClipboardEvent("paste", how));
}"""


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


def test_escape_in_the_dialog_closes_nothing_else(tab):
    tab.advanced("Setting")
    dialog = drop(tab, PICTURE)
    expect(dialog.get_by_role("row").first).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.page.wait_for_timeout(300)
    expect(tab.page.locator("#fooocus_side")).to_be_visible()


def test_a_picture_that_comes_while_another_is_read_is_read_too(tab, tmp_path):
    for name, side in (("first", 300), ("second", 64)):
        Image.effect_noise((side, side), 90).save(tmp_path / f"{name}.png")
    drop(tab, tmp_path / "first.png")
    tab.page.wait_for_function("!document.querySelector('#fooocus_look_at input[type=file]')")
    dialog = drop(tab, tmp_path / "second.png")
    expect(dialog.get_by_role("status")).to_have_text("This picture does not carry any settings.")


def test_a_picture_that_finds_no_place_is_said_to_be_unread(tab):
    tab.page.evaluate("""() => {
        fooocusDropped.PATIENCE = 300;
        document.querySelector("#fooocus_look_at input[type=file]").remove();
    }""")
    dialog = drop(tab, PICTURE)
    expect(dialog.get_by_role("status")).to_contain_text("could not be handed to the webui")


@pytest.mark.parametrize("is_reached", [True, False], ids=["too long", "no connection"])
def test_a_picture_that_is_not_answered_is_said_to_be_unread_and_the_next_is_read(tab, is_reached):
    longest = 3000 if is_reached else 10**6
    tab.page.evaluate(f"Object.assign(fooocusDropped, {{PATIENCE: 1000, LONGEST: {longest}}})")
    asked = re.compile("run/predict|upload")
    tab.page.route(asked, lambda _route: None)
    if not is_reached:
        tab.page.route("**/internal/ping", lambda route: route.abort())
    dialog = drop(tab, PICTURE)
    expect(dialog.get_by_role("status")).to_contain_text("could not be handed to the webui")
    tab.page.unroute(asked)
    tab.page.unroute("**/internal/ping")
    dialog.get_by_role("button", name="Cancel").click()
    expect(drop(tab, PICTURE).get_by_role("row", name="Prompt a red house")).to_be_visible()


def test_a_dragged_link_is_answered_and_text_is_left_to_the_browser(tab):
    prompt = "#fooocus_prompt textarea"
    link = "https://example.com/page.html"
    tab.prompt.fill("a fox")
    drag(tab, prompt, {"text/uri-list": link, "text/plain": link})
    expect(tab.messages).to_contain_text("A picture of another page: save it first")
    expect(tab.prompt).to_have_value("a fox")
    own = tab.page.url.rstrip("/") + "/internal/ping"
    drag(tab, prompt, {"text/uri-list": own, "text/plain": own})
    expect(tab.messages).to_contain_text("What was dropped is no picture.")
    drag(tab, prompt, {"text/plain": ", red"})
    expect(tab.prompt).to_have_value(re.compile("^a.*, red.*"))


@pytest.mark.parametrize(
    ("text", "is_taken"), [("", True), ("/home/me/fox.png", True), ("a red fox\n", False)]
)
def test_a_pasted_picture_is_looked_at_unless_it_is_only_one_of_the_text(tab, text, is_taken):
    pasted = {"text": text, "name": "fox.png"}
    assert tab.prompt.evaluate(PASTE, pasted) == is_taken  # else the browser pastes the text
    dialog = tab.page.locator("#fooocus_dropped")
    expect(dialog).to_be_visible(visible=is_taken)


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

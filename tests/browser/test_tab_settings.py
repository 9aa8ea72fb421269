"""The Fooocus tab's settings: styles, presets, what is pasted and sent, the log, keys, looks, access."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = 'fox <img src=x onerror=alert(1)><script>alert(2)</script> "quoted"'


@pytest.fixture
def log_page(tab):
    """Opens the log in a new window, as its link does, and gives the window."""
    opened = []

    def open_log():
        tab.advanced("Setting")
        with tab.page.expect_popup() as popup:
            tab.page.locator("#fooocus_history").click()
        opened.append(popup.value)
        popup.value.wait_for_selector("article, .fooocus-notice")
        return popup.value

    yield open_log
    for window in opened:
        window.close()


def test_styles_are_searched_ticked_and_named_first(tab):
    tab.advanced("Style")
    search = tab.page.get_by_label("Search styles")
    search.fill("noir")
    shown = tab.page.locator("#fooocus_style_list label:visible")
    assert 0 < shown.count() < 20
    assert all("noir" in text.lower() for text in shown.all_inner_texts())
    name = shown.first.inner_text().strip()
    assert shown.first.locator(".fooocus-style-text").text_content()
    shown.first.locator("input").check()
    assert tab.styles()[-1] == name
    expect(tab.page.locator(".fooocus-chip").last).to_have_text(name)
    search.fill("no such style at all")
    expect(shown).to_have_count(0)
    expect(tab.page.get_by_text("No style matches.")).to_be_visible()
    search.fill("")
    tab.page.locator(".fooocus-chip").last.click()
    assert name not in tab.styles()


def test_a_preset_fills_the_widgets_and_says_which_files_are_missing(tab):
    tab.advanced("Setting")
    preset = tab.page.locator("#fooocus_preset input")
    preset.click()
    tab.page.locator("#fooocus_preset ul.options li", has_text="anime").click()
    expect(tab.page.locator("#fooocus_aspect_ratio label.selected")).to_contain_text("896×1152")
    expect(tab.messages).to_contain_text("animaPencilXL_v500")
    expect(tab.messages).to_contain_text("put it there")
    assert tab.number("guidance_scale") == 6
    assert "Fooocus Masterpiece" in tab.styles()


def test_escape_closes_what_advanced_opened_and_ctrl_enter_generates(tab):
    side = tab.page.locator("#fooocus_side")
    tab.advanced("Setting")
    expect(side).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    expect(tab.page.locator("#fooocus_advanced input")).to_be_focused()
    tab.prompt.fill("by keyboard")
    tab.prompt.press("Control+Enter")
    tab.wait()
    assert "by keyboard" in tab.infotexts()[0]


def test_the_log_escapes_and_what_it_copies_is_taken_back_by_the_prompt(tab, log_page):
    dialogs = []
    tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.use_seed(99)
    tab.set_number("guidance_scale", 5.5)
    tab.generate(HOSTILE)
    window = log_page()
    entry = window.locator("article").first
    expect(entry).to_contain_text(HOSTILE)
    assert window.locator("article script, article img[src='x']").count() == 0
    copied = entry.locator("button[data-json]").get_attribute("data-json")
    assert json.loads(copied)["prompt"] == HOSTILE
    tab.prompt.fill("something else")
    tab.set_number("guidance_scale", 9)
    tab.page.locator("#fooocus_random_seed input").check()
    tab.paste(copied)
    expect(tab.prompt).to_have_value(HOSTILE)
    expect(tab.page.locator("#fooocus_seed textarea")).to_have_value("99")
    expect(tab.page.locator("#fooocus_random_seed input")).not_to_be_checked()
    assert tab.number("guidance_scale") == 5.5
    assert tab.number("width") == 64
    assert dialogs == []


def test_ordinary_text_is_pasted_as_text(tab):
    tab.prompt.fill("")
    tab.paste("{not settings} at all")
    tab.page.wait_for_timeout(500)
    expect(tab.messages).not_to_contain_text("settings")


def test_pictures_go_to_other_tabs_and_come_back_through_png_info(tab, tmp_path):
    tab.use_seed(1234)
    tab.generate("a fox and a <b>bold</b> hound")
    stored = tmp_path / "picture.png"
    source = tab.page.locator("#fooocus_gallery img").first.get_attribute("src")
    stored.write_bytes(tab.page.request.get(source).body())
    tab.page.locator("#fooocus_send #img2img_tab").click()
    expect(tab.page.locator("#tab_img2img")).to_be_visible()
    expect(tab.page.locator("#img2img_image img").first).to_be_visible()
    tab.page.locator("#tabs > .tab-nav > button", has_text="PNG Info").click()
    tab.page.locator("#pnginfo_image input[type=file]").set_input_files(stored)
    expect(tab.page.locator("#tab_pnginfo")).to_contain_text("Seed: 1234")
    tab.page.evaluate("fooocus.write('fooocus_prompt', ''); fooocus.write('fooocus_seed', '0')")
    tab.page.locator("#tab_pnginfo #fooocus_tab").click()
    expect(tab.page.locator("#tab_fooocus")).to_be_visible()
    expect(tab.prompt).to_have_value("a fox and a <b>bold</b> hound")
    expect(tab.page.locator("#fooocus_seed textarea")).to_have_value("1234")
    tab.prompt.fill("")
    tab.page.locator("#fooocus_picture input[type=file]").set_input_files(stored)
    expect(tab.prompt).to_have_value("a fox and a <b>bold</b> hound")
    expect(tab.messages).to_contain_text("The settings are loaded")


def test_private_mode_shows_pictures_and_writes_nothing(tab, log_page):
    tab.generate("public")
    before = log_page().locator("article").first.get_attribute("id")
    tab.page.locator("#fooocus_private input").check()
    tab.generate("a secret")
    assert "a secret" in tab.infotexts()[0]
    source = tab.page.locator("#fooocus_gallery img").first.get_attribute("src")
    assert source.startswith("data:image/png;base64,")
    assert log_page().locator("article").first.get_attribute("id") == before
    tab.page.locator("#fooocus_send #img2img_tab").click()
    expect(tab.page.locator("#img2img_image img").first).to_be_visible()


def test_a_phone_sees_everything_within_its_width(page):
    page.set_viewport_size({"width": 400, "height": 850})
    tab = FooocusTab(page)
    for title in ("Setting", "Style", "Models", "Advanced"):
        tab.advanced(title)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.evaluate("scrollTo(0, 0)")
    expect(tab.generate_button).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_labels_contrast_and_roles_satisfy_axe(page, webui_url, theme):
    page.goto(f"{webui_url}/?__theme={theme}")
    page.wait_for_selector("#fooocus_prompt textarea", state="attached")
    page.wait_for_function("Object.keys(opts).length > 0")
    tab = FooocusTab(page)
    tab.make_small()
    tab.generate("a fox")
    for title in ("Setting", "Style", "Models", "Advanced"):
        tab.advanced(title)
        page.wait_for_timeout(300)
        found = Axe().run(page, context="#tab_fooocus").response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


def test_the_focus_goes_from_the_prompt_to_generate_to_advanced(tab):
    tab.prompt.focus()
    passed = []
    for _ in range(2):
        tab.page.keyboard.press("Tab")
        passed.append(
            tab.page.evaluate(
                "document.activeElement.id || document.activeElement.closest('[id]').id"
            )
        )
    assert passed == ["fooocus_generate", "fooocus_advanced"]

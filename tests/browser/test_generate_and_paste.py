"""The shortest way through the page: make a picture, read it in PNG Info, send it back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROMPT = "a (red:1.2) cat, <b>not bold</b>"
GENERATION_SECONDS = 120


def fill_number(page, elem_id, value):
    """Types into a slider's or number's field as a person would."""
    field = page.locator(f"#{elem_id} input[type=number]").first
    field.fill(str(value))
    field.press("Tab")


def open_tab(page, title):
    page.locator("#tabs > .tab-nav > button", has_text=title).click()


def generate(page):
    """Clicks Generate and gives the address of the first picture."""
    page.locator("#txt2img_generate").click()
    infotext = page.locator("#html_info_txt2img").last
    expect(infotext).to_contain_text("Steps: ", timeout=GENERATION_SECONDS * 1000)
    expect(page.locator("#txt2img_interrupt")).to_be_hidden()
    return page.locator("#txt2img_gallery img").first.get_attribute("src")


def test_a_picture_is_made_and_its_parameters_come_back(page, tmp_path):
    expect(page.locator("#txt2img_interrupt")).to_be_hidden()
    page.locator("#txt2img_prompt textarea").fill(PROMPT)
    page.locator("#txt2img_neg_prompt textarea").fill("blurry")
    fill_number(page, "txt2img_width", 256)
    fill_number(page, "txt2img_height", 192)
    fill_number(page, "txt2img_steps", 3)
    fill_number(page, "txt2img_seed", 1234)
    source = generate(page)
    expect(page.locator("#html_info_txt2img").last).to_contain_text(PROMPT)

    saved = tmp_path / "picture.png"
    saved.write_bytes(page.request.get(source).body())
    page.reload()
    page.wait_for_selector("#txt2img_prompt textarea")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("")

    open_tab(page, "PNG Info")
    page.locator("#pnginfo_image input[type=file]").set_input_files(saved)
    expect(page.locator("#tab_pnginfo")).to_contain_text("Seed: 1234")
    page.locator("#tab_pnginfo #txt2img_tab").click()
    expect(page.locator("#tab_txt2img")).to_be_visible()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value(PROMPT)
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry")
    expect(page.locator("#txt2img_seed input").first).to_have_value("1234")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("3")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("256")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("192")

"""The panel in txt2img, as a person sees it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_styles_are_grouped_and_show_their_texts_on_hover(page):
    page.locator("#tabs button", has_text="txt2img").first.click()
    page.locator("#script_txt2img_fooocus_enabled .label-wrap").first.click()
    page.locator("#script_txt2img_fooocus_styles input").first.click()
    option = page.locator('#script_txt2img_fooocus_styles li[data-value="cinematic-default"]')
    expect(option).to_have_attribute(
        "title", re.compile(r"Writes: film still with \(your prompt\)")
    )
    headings = page.locator("#script_txt2img_fooocus_styles li[data-fooocus-group]").evaluate_all(
        "options => options.map((option) => option.dataset.fooocusGroup).filter((name) => name)"
    )
    assert "Special" in headings
    assert len(headings) == len(set(headings)) > 10

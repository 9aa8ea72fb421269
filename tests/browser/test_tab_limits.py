"""A page that the settings make smaller: what is not offered is not seen, and jobs run all the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from fooocus_ext.limits import LORA_SLOTS
from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def reload_with(page, slots):
    """Sets the number of LoRA slots and presses Reload UI, which builds the page anew."""
    address = page.evaluate("new URL('sdapi/v1/options', location.href).href")
    assert page.request.post(address, data={"fooocus_lora_slots": slots}).ok
    with page.expect_navigation():
        page.locator("#settings_restart_gradio").evaluate("button => button.click()")
    page.wait_for_selector("#txt2img_prompt textarea", state="attached")
    page.wait_for_function("Object.keys(opts).length > 0")


@pytest.fixture
def small_tab(page):
    reload_with(page, 2)
    tab = FooocusTab(page)
    tab.make_small()
    yield tab
    reload_with(page, LORA_SLOTS)


def test_rows_of_loras_beyond_the_setting_are_not_seen_and_jobs_run(small_tab):
    small_tab.advanced("Models")
    rows = small_tab.page.locator(".fooocus-lora")
    expect(rows.first).to_be_visible()
    assert sum(row.is_visible() for row in rows.all()) == 2
    expect(small_tab.page.locator("#fooocus_lora_2 input").first).to_be_visible()
    expect(small_tab.page.locator("#fooocus_lora_3 input:visible")).to_have_count(0)
    small_tab.generate("a fox")
    assert "a fox" in small_tab.infotexts()[0]

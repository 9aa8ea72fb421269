"""A page that the settings make smaller: what is not offered is not seen, and jobs run all the same."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from fooocus_ext.limits import LORA_SLOTS
from tests.browser.conftest import PAGE_SECONDS, driven_webui
from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def webui_url(tmp_path_factory, request):
    """A webui of these tests' own: while it builds its page anew, nobody else can use it."""
    with driven_webui("small", tmp_path_factory, request) as url:
        yield url


def page_id(url):
    """What Gradio calls the page that is served now; None while there is none."""
    try:
        with urllib.request.urlopen(f"{url}/app_id", timeout=5) as answer:
            return json.load(answer)["app_id"]
    except (
        OSError,
        ValueError,
        http.client.HTTPException,
    ):  # it closes in the middle of its answer
        return None


def wait_for_another_page(url, before):
    """Waits until another page than `before` is served: the old one is, too, until its server closes."""
    deadline = time.monotonic() + PAGE_SECONDS
    while page_id(url) in (None, before):
        assert time.monotonic() < deadline, "Reload UI has not built another page"
        time.sleep(0.2)


def reload_with(page, url, slots):
    """Sets the number of LoRA slots and presses Reload UI, which builds the page anew."""
    assert page.request.post(f"{url}/sdapi/v1/options", data={"fooocus_lora_slots": slots}).ok
    before = page_id(url)
    assert before is not None
    with page.expect_navigation():
        page.locator("#settings_restart_gradio").evaluate("button => button.click()")
    wait_for_another_page(url, before)
    page.reload()
    page.wait_for_selector("#txt2img_prompt textarea", state="attached")
    page.wait_for_function("Object.keys(opts).length > 0")


@pytest.fixture
def small_tab(page, webui_url):
    reload_with(page, webui_url, 2)
    tab = FooocusTab(page)
    tab.make_small()
    yield tab
    reload_with(page, webui_url, LORA_SLOTS)


def test_rows_of_loras_beyond_the_setting_are_not_seen_and_jobs_run(small_tab):
    small_tab.advanced("Models")
    rows = small_tab.page.locator(".fooocus-lora")
    expect(rows.first).to_be_visible()
    assert sum(row.is_visible() for row in rows.all()) == 2
    expect(small_tab.page.locator("#fooocus_lora_2 input").first).to_be_visible()
    expect(small_tab.page.locator("#fooocus_lora_3 input:visible")).to_have_count(0)
    small_tab.generate("a fox")
    assert "a fox" in small_tab.infotexts()[0]

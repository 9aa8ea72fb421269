"""A missing file, from the message that names it to the file in its folder, by mouse and by keyboard."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from fooocus_ext.downloads.sources import HUB
from tests.browser.tab_page import open_list
from tests.downloads.publisher import weights

pytestmark = pytest.mark.browser

NAME = "browser-test-lora.safetensors"
CONTENT = weights(600_000)
PATH = f"owner/repo/resolve/main/{NAME}"


@pytest.fixture
def missing(hub, webui_url):
    """A preset that names a LoRA which is published, slowly, and is not here; gives the LoRA's folder."""
    hub.publish(PATH, CONTENT, seconds=1.0)
    files = get(webui_url, "downloads")["files"]
    folder = Path(next(each["folder"] for each in files if each["kind"] == "lora"))
    data = folder.parent.parent / "fooocus" / "presets"
    data.mkdir(parents=True, exist_ok=True)
    preset = data / "browser-test.json"
    content = {"default_loras": [[True, NAME, 0.5]], "lora_downloads": {NAME: f"{HUB}/{PATH}"}}
    preset.write_text(json.dumps(content), encoding="utf-8")
    post(webui_url, "reload")
    yield folder
    post(webui_url, "downloads/remove", {"file": NAME})
    for path in (preset, folder / NAME):
        path.unlink(missing_ok=True)
    post(webui_url, "reload")


def get(webui_url, route):
    with urllib.request.urlopen(f"{webui_url}/fooocus/v1/{route}", timeout=30) as answer:
        return json.load(answer)


def post(webui_url, route, body=None):
    request = urllib.request.Request(
        f"{webui_url}/fooocus/v1/{route}",
        data=json.dumps(body or {}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def item(missing, tab):
    """The file in the message of the preset that was chosen."""
    tab.page.reload()
    tab.page.wait_for_function("Object.keys(opts).length > 0")
    tab.open()
    tab.advanced("Setting")
    open_list(tab.page, tab.page.locator("#fooocus_preset input"), "browser-test").click()
    found = tab.messages.locator(".fooocus-downloads li", has_text=NAME)
    expect(found).to_be_visible()
    return found


def test_what_a_file_is_stands_beside_its_button(item, missing):
    expect(item).to_contain_text("from 127.0.0.1")
    expect(item).to_contain_text(str(missing))
    expect(item.get_by_role("link", name="its makers' terms")).to_have_attribute(
        "href", f"{HUB}/owner/repo"
    )
    ask = item.get_by_role("button", name=re.compile("^Ask 127.0.0.1 for the size"))
    expect(ask).to_be_visible()
    expect(item.get_by_role("button", name=re.compile("^Download"))).to_have_count(0)
    ask.click()
    expect(item).to_contain_text("0.6 MB")
    expect(item.get_by_role("button", name=f"Download: {NAME}")).to_be_focused()


def test_a_size_that_its_host_does_not_tell_is_called_unknown(item):
    item.page.route("**/downloads/size", lambda route: route.fulfill(json={"bytes": None}))
    expect(item).to_contain_text("of unknown size")
    item.get_by_role("button", name=re.compile("^Ask")).click()
    expect(item.get_by_role("button", name=f"Download: {NAME}")).to_be_visible()
    expect(item).to_contain_text("of unknown size from 127.0.0.1")


def test_a_file_is_downloaded_by_keyboard_with_its_progress(item, missing, hub):
    page = item.page
    item.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(item.get_by_role("button", name=re.compile("^Download"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(item.get_by_role("progressbar")).to_be_visible()
    expect(item).to_contain_text(re.compile(r"0\.\d MB of 0\.6 MB, [\d.]+ MB/s, \d+ s left"))
    expect(item.get_by_role("button", name=re.compile("^Pause"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(item.get_by_role("status")).to_have_text("Paused.")
    assert not (missing / NAME).exists()
    violations = Axe().run(page, context="#html_log_fooocus").response["violations"]
    assert violations == []
    hub.files[PATH].seconds = 0.0
    page.keyboard.press("Enter")
    expect(item.get_by_role("status")).to_have_text("It is there now.")
    assert (missing / NAME).read_bytes() == CONTENT
    assert hub.asked[-1][1].startswith("bytes=")
    expect(item.get_by_role("button")).to_have_count(0)


def test_a_download_is_dropped_and_a_reload_finds_one_that_runs(item, missing, hub):
    hub.files[PATH].seconds = 3.0  # a page that loads again takes its time
    page = item.page
    item.get_by_role("button").click()
    item.get_by_role("button", name=re.compile("^Download")).click()
    expect(item.get_by_role("progressbar")).to_be_visible()
    page.reload()
    page.wait_for_function("Object.keys(opts).length > 0")
    page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *Settings *$")).click()
    page.locator("#settings > .tab-nav > button", has_text=re.compile("^ *Fooocus *$")).click()
    page.locator("#fooocus_model_files summary").click()
    listed = page.locator("#fooocus_model_files li", has_text=NAME)
    listed.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(listed.get_by_role("progressbar")).to_have_count(0)
    expect(listed.get_by_role("button", name=re.compile("^Ask"))).to_be_visible()
    for _attempt in range(100):  # it stops with the next bytes that come
        if not list(missing.glob(f"{NAME}*")):
            return
        page.wait_for_timeout(100)
    pytest.fail("what had come of the dropped download is still there")


def test_the_settings_page_lists_what_there_is(page):
    page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *Settings *$")).click()
    page.locator("#settings > .tab-nav > button", has_text=re.compile("^ *Fooocus *$")).click()
    page.locator("#fooocus_model_files summary").click()
    listed = page.locator("#fooocus_model_files li", has_text="sdxl_lcm_lora.safetensors")
    expect(listed).to_contain_text("394 MB from 127.0.0.1")
    expect(listed).to_contain_text("CreativeML Open RAIL++-M")
    expect(listed.get_by_role("button", name=re.compile("^Download"))).to_be_visible()

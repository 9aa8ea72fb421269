"""A page in Chromium, on the embedded host started for the session on a free port.

`FOOOCUS_CHROMIUM` names the browser where it is not found by itself; `FOOOCUS_BROWSER_URL` names a webui
that runs already, embedded or real, to be driven instead of a fresh embedded one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from bulk.ports import free_port
from tests.browser.tab_page import FooocusTab
from tests.downloads.publisher import publishing
from tools.dev.browser import find_chromium

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240
PAGE_SECONDS = 90
TEST_SECONDS = 900
"""for the first test, which waits for the webui, for its page and for jobs: each wait has its own end"""

expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items):
    """Give time for all that is waited for; hooks of a folder's conftest see the tests of all folders."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def wait_until_up(url, process, log):
    """Waits for the server's answer; its log is the message where it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/internal/ping", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(
        f"the embedded host does not answer:\n{log.read_text(errors='replace', encoding='utf-8')[-4000:]}"
    )


@pytest.fixture(scope="session")
def hub():
    """What stands in for the model hub; files are published on it."""
    if running_webui():
        pytest.skip("the running webui has its own model hub")
    with publishing() as publisher:
        yield publisher


@contextlib.contextmanager
def fresh_webui(folder, hub):
    """The address of an embedded webui started for this; its log is the message where it ends by itself."""
    port = free_port()
    command = [sys.executable, "-m", "embedded_webui", "serve", "--port", str(port)]
    # below a folder whose name starts with a dot, as it is where nobody names one
    command += ["--data-dir", str(folder / ".cache" / "data")]
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "HF_ENDPOINT": hub.address},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process, log)
        yield url
        assert process.poll() is None, (
            f"the webui has ended:\n{log.read_text(errors='replace', encoding='utf-8')[-4000:]}"
        )
    finally:
        process.terminate()
        process.wait(timeout=30)


def running_webui():
    """The address of the webui that is to be driven instead, without a slash at its end; or None."""
    running = os.environ.get("FOOOCUS_BROWSER_URL")
    return running and running.rstrip("/")


@contextlib.contextmanager
def driven_webui(name, tmp_path_factory, request):
    """The address of the webui that is to be driven, without a slash at its end: a fresh one if none runs."""
    running = running_webui()
    if running:
        yield running
        return
    hub = request.getfixturevalue("hub")
    with fresh_webui(tmp_path_factory.mktemp(name), hub) as url:
        yield url


@pytest.fixture(scope="session")
def webui_url(tmp_path_factory, request):
    """The address of a webui with the extension in it, without a slash at its end."""
    with driven_webui("embedded", tmp_path_factory, request) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    """The machine's own Chromium; the tests are skipped without one."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine; set FOOOCUS_CHROMIUM to one")
    with sync_playwright() as playwright:
        # The sandbox needs privileges that containers do not give; nothing foreign is opened here.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, webui_url):
    """The webui's page, loaded; fails afterwards if a script on it threw an error."""
    tab = chromium.new_page(viewport={"width": 1400, "height": 1300})
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.set_default_timeout(PAGE_SECONDS * 1000)
    tab.goto(webui_url)
    tab.wait_for_selector("#txt2img_prompt textarea")
    tab.wait_for_function("Object.keys(opts).length > 0")
    yield tab
    tab.close()
    assert errors == []


def clear_queue(page):
    """Ends the window's jobs, so that the next test need not wait for what a failed one left."""
    # What the failed test did to the page is not told a second time here.
    with contextlib.suppress(Error):
        page.evaluate("fooocusQueue.ask('/clear', {})")


@pytest.fixture
def tab(page):
    """The Fooocus tab, opened, with the next job small enough for a CPU."""
    opened = FooocusTab(page)
    opened.make_small()
    yield opened
    clear_queue(opened.page)


@pytest.fixture
def second_tab(chromium, webui_url, tab):
    """The Fooocus tab in another window."""
    window = chromium.new_page(viewport={"width": 1400, "height": 1300})
    window.set_default_timeout(PAGE_SECONDS * 1000)
    window.goto(webui_url)
    window.wait_for_selector("#txt2img_prompt textarea")
    window.wait_for_function("Object.keys(opts).length > 0")
    opened = FooocusTab(window)
    opened.make_small()
    yield opened
    clear_queue(window)
    window.close()

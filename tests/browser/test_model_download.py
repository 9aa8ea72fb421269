"""The form on the settings page that downloads an expansion model."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CONTENT = bytes(range(256)) * 12_000
SUM = hashlib.sha256(CONTENT).hexdigest()
PIECES = 6


class Publisher(BaseHTTPRequestHandler):
    """A server that gives one file, slowly enough to see it come, and to cancel it, on a busy machine."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        if not self.path.endswith("/model.safetensors"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        size = len(CONTENT) // PIECES
        for start in range(0, len(CONTENT), size):
            self.wfile.write(CONTENT[start : start + size])
            time.sleep(1.5)

    def log_message(self, *args):
        pass


@pytest.fixture
def publisher():
    handler = type("OnePublisher", (Publisher,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.address = f"http://127.0.0.1:{server.server_port}/model"
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def form(page):
    """The form, with the settings page open; what it downloads is removed afterwards."""
    page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *Settings *$")).click()
    page.locator("#settings > .tab-nav > button", has_text=re.compile("^ *Fooocus *$")).click()
    found = page.locator("#fooocus_model_download")
    expect(found).to_be_visible()
    folder = Path(found.locator("code").first.inner_text())
    if folder.exists():
        pytest.skip("the webui has an expansion model, which must not be touched")
    yield found
    shutil.rmtree(folder, ignore_errors=True)


def fill(form, publisher, files):
    form.locator("[name=address]").fill(publisher.address)
    form.locator("[name=files]").fill(files)


def test_nothing_is_fetched_before_the_notice_is_accepted(form, publisher):
    expect(form).to_contain_text("non-commercial")
    fill(form, publisher, f"{SUM}  model.safetensors")
    form.locator("[type=submit]").click()
    assert form.evaluate("form => form.checkValidity()") is False
    form.page.wait_for_timeout(700)
    assert publisher.asked == []


def test_a_model_is_downloaded_with_its_progress(form, publisher):
    fill(form, publisher, f"\n{SUM.upper()} *model.safetensors\n")
    form.locator("[name=accepted]").check()
    form.locator("[type=submit]").click()
    expect(form.locator("progress")).to_be_visible()
    expect(form.locator("[type=submit]")).to_be_disabled()
    outcome = form.locator("[role=status]")
    expect(outcome).to_contain_text(re.compile(r"model\.safetensors: [0-3]\.\d of 3\.1 MB"))
    expect(outcome).to_contain_text("The model is in")
    expect(form.locator("progress")).to_be_hidden()
    expect(form.locator("[type=submit]")).to_be_enabled()
    folder = Path(form.locator("code").first.inner_text())
    assert (folder / "model.safetensors").read_bytes() == CONTENT


def test_a_download_is_cancelled(form, publisher):
    fill(form, publisher, f"{SUM} model.safetensors")
    form.locator("[name=accepted]").check()
    expect(form.locator("[name=cancel]")).to_be_hidden()
    form.locator("[type=submit]").click()
    form.locator("[name=cancel]").click()
    expect(form.locator("[role=status]")).to_contain_text("cancelled")
    expect(form.locator("[name=cancel]")).to_be_hidden()
    expect(form.locator("[type=submit]")).to_be_enabled()
    folder = Path(form.locator("code").first.inner_text())
    assert not (folder / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (f"{'0' * 64} model.safetensors", "checksum is wrong"),
        (f"{SUM} vocab.json", "vocab.json could not be downloaded"),
        (f"{SUM} ../model.safetensors", "none of the files of a model"),
        (f"{SUM} <b>weights</b>", "<b>weights</b>"),
        ("\nmodel.safetensors 123", 'Line 2 is "model.safetensors 123"; each line needs a SHA-256'),
    ],
)
def test_what_goes_wrong_is_said(form, publisher, files, message):
    fill(form, publisher, files)
    form.locator("[name=accepted]").check()
    form.locator("[type=submit]").click()
    outcome = form.locator("[role=status]")
    expect(outcome).to_contain_text(message)
    expect(outcome).to_have_class(re.compile("fooocus-failed"))
    expect(form.locator("[type=submit]")).to_be_enabled()
    assert outcome.locator("b").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_labels_contrast_and_roles_satisfy_axe(form, theme):
    form.evaluate("(form, dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
    form.page.wait_for_timeout(300)
    found = Axe().run(form.page, context="#fooocus_model_download").response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []

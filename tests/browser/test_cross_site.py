"""What pages of other origins get from the webui's address, in Chromium: nothing.

One page comes from another port of the same machine, one from a domain that resolves to it; the third is
the webui's own, and everything works there.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from PIL import Image

from fooocus_ext import image_log
from tools.dev.browser import find_chromium

REFUSED = {403, 415}
START_SECONDS = 60
ANSWER_SECONDS = 5
ATTACKS = {
    "/fooocus/v1/presets": {"name": "planted", "overwrite": True},
    "/fooocus/v1/presets/rename": {"name": "a", "new_name": "planted"},
    "/fooocus/v1/downloads": {"file": "sdxl_lcm_lora.safetensors", "accept_licence": True},
    "/fooocus/v1/downloads/size": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/pause": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/resume": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/remove": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/expansion-model": {
        "base_url": "http://127.0.0.1:9/",
        "files": [{"name": "model.safetensors", "sha256": "0" * 64}],
        "accept_notice": True,
    },
    "/fooocus/v1/txt2img": {"prompt": "planted", "steps": 1, "seed": 1},
    "/fooocus/v1/expand": {"prompt": "planted"},
    "/fooocus/v1/styles/preview": {"prompt": "planted"},
    "/fooocus/v1/reload": {},
    "/fooocus/v1/refiner/release": {},
}
SEND = """async ([address, body, kind]) => {
    const text = JSON.stringify(body);
    const how = {
        text: {mode: "no-cors", body: text, headers: {"Content-Type": "text/plain"}},
        untyped: {mode: "no-cors", body: new Blob([text])},
        bytes: {mode: "no-cors", body: new TextEncoder().encode(text)},
        empty: {mode: "no-cors"},
        quiet: {mode: "no-cors", body: new Blob([text]), referrerPolicy: "no-referrer"},
        late: {mode: "no-cors", body: new Blob([text]), keepalive: true},
    }[kind];
    const answer = await fetch(address, {method: "POST", ...how});
    return answer.type;
}"""
SUBMIT = """([address, body, encoding]) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = "target" + Math.random();
    document.body.append(frame);
    frame.addEventListener("load", () => setTimeout(resolve, 100));
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: address, enctype: encoding, target: frame.name});
    const field = document.createElement("input");
    field.name = JSON.stringify(body).replace(/}$/, ', "x": "');
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
})"""
READ = """async ([path, body]) => {
    const how = body === null ? {} : {
        method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"},
    };
    const answer = await fetch(path, how);
    return {status: answer.status, text: await answer.text()};
}"""


class OtherPage(BaseHTTPRequestHandler):
    """A server of an empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another site</title><body></body>")

    def log_message(self, *args):
        pass


@pytest.fixture
def other_origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url(webui_url):
    """The webui's address, once our routes are there: it answers before it has loaded extensions."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            presets(webui_url)
            return webui_url
        except urllib.error.HTTPError:
            time.sleep(0.2)
    pytest.fail("the webui does not get our routes")


@pytest.fixture(params=["127.0.0.1", "localhost"])
def other_page(request, chromium, other_origin):
    """A page of another origin, on the same site or not."""
    tab = chromium.new_page()
    tab.goto(f"http://{request.param}:{other_origin}/")
    yield tab
    tab.close()


@pytest.fixture
def statuses(other_page, url):
    """The status of every answer that the page caused at the webui, readable to it or not."""
    seen = []

    def note(answer):
        if answer.url.startswith(url):
            seen.append(answer.status)

    other_page.on("response", note)
    return seen


def assert_refused(page, statuses, count):
    """So many answers were caused, refusals all; they are told a while after the page has had them."""
    end = time.monotonic() + ANSWER_SECONDS
    while len(statuses) < count and time.monotonic() < end:
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)  # nor do more come
    assert len(statuses) == count
    assert set(statuses) <= REFUSED


def presets(url):
    with urllib.request.urlopen(f"{url}/fooocus/v1/presets") as answer:
        return json.load(answer)["presets"]


@pytest.mark.parametrize("path", ATTACKS)
def test_another_origin_causes_nothing_by_fetch(other_page, statuses, url, path):
    kinds = ("text", "untyped", "bytes", "empty", "quiet", "late")
    for kind in kinds:
        answered = other_page.evaluate(SEND, [url + path, ATTACKS[path], kind])
        assert answered == "opaque"
    assert_refused(other_page, statuses, len(kinds))
    assert "planted" not in presets(url)


@pytest.mark.parametrize("path", ATTACKS)
def test_another_origin_causes_nothing_by_a_form(other_page, statuses, url, path):
    encodings = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
    for encoding in encodings:
        other_page.evaluate(SUBMIT, [url + path, ATTACKS[path], encoding])
    assert_refused(other_page, statuses, len(encodings))
    assert "planted" not in presets(url)


def test_another_origin_may_not_send_json_and_reads_nothing(other_page, url):
    for path, body in (("/fooocus/v1/presets", {"name": "planted"}), ("/fooocus/v1/presets", None)):
        failure = other_page.evaluate(
            f"given => ({READ})(given).then(() => 'read', (error) => error.name)",
            [url + path, body],
        )
        assert failure == "TypeError"
    assert "planted" not in presets(url)


def test_a_sandboxed_frame_of_another_origin_causes_nothing(other_page, statuses, url):
    other_page.set_content('<iframe sandbox="allow-scripts" srcdoc="<p>Framed"></iframe>')
    other_page.frame_locator("iframe").get_by_text("Framed").wait_for()
    _, frame = other_page.frames
    assert frame.evaluate("self.origin") == "null"
    path = "/fooocus/v1/presets"
    kinds = ("text", "untyped", "empty")
    for kind in kinds:
        assert frame.evaluate(SEND, [url + path, ATTACKS[path], kind]) == "opaque"
    assert_refused(other_page, statuses, len(kinds))
    assert "planted" not in presets(url)


@pytest.fixture
def rebound_page(chromium, url):
    """The webui under a domain of a stranger that resolves to its address."""
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    browser = chromium.browser_type.launch(
        executable_path=find_chromium(), args=["--no-sandbox", rules]
    )
    tab = browser.new_page()
    tab.goto(f"http://evil.example:{urlsplit(url).port}/internal/ping")
    yield tab
    browser.close()


def test_a_domain_that_resolves_here_reads_and_causes_nothing(rebound_page, url):
    for path in (
        "presets",
        "styles",
        "schema",
        "expansion-model",
        "log/",
        "log/2026-05-31/log.html",
    ):
        answer = rebound_page.evaluate(READ, [f"/fooocus/v1/{path}", None])
        assert answer["status"] == 403, path
        assert "--fooocus-allow-host evil.example" in answer["text"]
    for path, body in ATTACKS.items():
        assert rebound_page.evaluate(READ, [path, body])["status"] == 403, path
    assert "planted" not in presets(url)


def test_the_webuis_own_page_may_do_what_it_always_did(page):
    wanted = {
        "/fooocus/v1/reload": {},
        "/fooocus/v1/styles/preview": {"prompt": "a fox"},
        "/fooocus/v1/refiner/release": {},
        "/fooocus/v1/presets": None,
        "/fooocus/v1/expansion-model": None,
        "/fooocus/v1/log/": None,
    }
    for path, body in wanted.items():
        answer = page.evaluate(READ, [path, body])
        assert answer["status"] == 200, (path, answer)


@pytest.fixture
def written_log(tmp_path):
    """A page of the log on disk, with a picture."""
    folder = tmp_path / "2026-05-31"
    for number in range(2):
        image_log.append(folder, f"{number}.png", "10:00", {"prompt": f"a fox {number}"})
    Image.new("RGB", (40, 30), "red").save(folder / "1.png")
    return folder / image_log.PAGE_NAME


def test_the_log_opened_from_disk_shows_and_copies(chromium, written_log):
    tab = chromium.new_page()
    problems = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(written_log.as_uri())
    picture = tab.locator("#picture-1 img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40
    assert tab.locator("#picture-1").evaluate("item => getComputedStyle(item).display") == "grid"
    tab.wait_for_selector("#picture-0.gone")
    tab.locator("#picture-1 button").click()
    tab.wait_for_selector("#picture-1 button:has-text('Cop')")
    assert tab.locator("#picture-1 button").inner_text() != "Copy as JSON"
    assert [text for text in problems if "Content Security Policy" in text] == []
    tab.evaluate(
        """() => {
            window.ran = false;
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
        }"""
    )
    tab.wait_for_timeout(200)
    assert tab.evaluate("window.ran") is False
    tab.close()

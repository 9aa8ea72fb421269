"""Model files downloaded over the API."""

from __future__ import annotations

import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import downloads
from fooocus_ext.downloads import transfer
from fooocus_ext.downloads.files import RemoteFile
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.downloads.sources import HUB, Sources
from fooocus_ext.presets.published import Published
from tests.downloads.publisher import publishing, weights

CONTENT = weights(300_000)
LORA, MODEL = "small.safetensors", "unsized.safetensors"


class Site:
    """The routes on a server of their own, with a publisher in the place of the hub."""

    def __init__(self, publisher, folder):
        self.publisher, self.folder = publisher, folder
        self.refusal, self.arrived, self.installed = "", [], []
        file = publisher.publish(f"o/r/{LORA}", CONTENT)
        publisher.publish(f"o/r/{MODEL}", CONTENT)
        self.files = {
            LORA: Published(
                "lora",
                RemoteFile(LORA, f"{HUB}/o/r/{LORA}", file.sha256, len(CONTENT)),
                "Some licence",
                "https://licence.example",
            ),
            MODEL: Published("checkpoint", RemoteFile(MODEL, f"{HUB}/o/r/{MODEL}"), "", HUB),
        }
        models = downloads.ModelFiles(
            offers=lambda: self.files,
            installed=lambda: {"lora": self.installed},
            folders=lambda: {"lora": folder / "Lora", "checkpoint": folder / "Models"},
            sources=lambda: Sources(publisher.address),
            refusal=lambda: self.refusal,
        )
        app = FastAPI()
        app.include_router(downloads.router(models, Downloads(self.arrived.append)))
        self._client = TestClient(app)

    def post(self, path, **body):
        return self._client.post(f"/fooocus/v1/downloads{path}", json=body)

    def get(self, path=""):
        return self._client.get(f"/fooocus/v1/downloads{path}").json()

    def state(self, name):
        return next(each["state"] for each in self.get("/progress") if each["file"] == name)

    def wait_for(self, name, state):
        end = time.monotonic() + 10
        while self.state(name) != state:
            assert time.monotonic() < end, self.get("/progress")
            time.sleep(0.01)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_PAUSES", (0.0, 0.0, 0.0))
    with publishing() as publisher:
        yield Site(publisher, tmp_path)


def test_what_can_be_downloaded_is_listed_with_all_that_consent_needs(site):
    listed = {each["file"]: each for each in site.get()["files"]}
    lora = listed[LORA]
    assert lora.pop("bytes_free") > 0
    assert lora == {
        "file": LORA,
        "kind": "lora",
        "bytes": len(CONTENT),
        "licence": "Some licence",
        "licence_url": "https://licence.example",
        "url": f"{HUB}/o/r/{LORA}",
        "host": "127.0.0.1",
        "folder": str(site.folder / "Lora"),
        "is_checked": True,
        "is_installed": False,
    }
    assert (listed[MODEL]["bytes"], listed[MODEL]["is_checked"]) == (None, False)
    site.installed.append("small")
    assert site.get()["files"][0]["is_installed"]
    assert site.publisher.asked == []


def test_a_file_comes_only_after_its_licence_was_accepted(site):
    for body in ({}, {"accept_licence": False}, {"accept_licence": "yes"}, {"accept_licence": 1}):
        refused = site.post("", file=LORA, **body)
        assert refused.status_code == 422, body
    assert "Some licence (https://licence.example)" in site.post("", file=LORA).json()["detail"]
    assert not (site.folder / "Lora").exists()
    assert site.get()["downloads"] == []


def test_a_file_is_downloaded_and_the_lists_are_told(site):
    answer = site.post("", file=LORA, accept_licence=True)
    assert answer.status_code == 200, answer.text
    site.wait_for(LORA, "done")
    assert (site.folder / "Lora" / LORA).read_bytes() == CONTENT
    assert [order.kind for order in site.arrived] == ["lora"]
    done = site.get("/progress")[0]
    assert (done["bytes_done"], done["bytes_total"], done["error"]) == (
        len(CONTENT),
        len(CONTENT),
        "",
    )


def test_a_size_that_is_not_known_is_asked_for(site):
    assert site.post("/size", file=MODEL).json() == {"file": MODEL, "bytes": len(CONTENT)}
    site.publisher.files.clear()
    refused = site.post("/size", file=MODEL)
    assert (refused.status_code, "HTTP 404" in refused.json()["detail"]) == (422, True)


def test_a_download_is_paused_gone_on_with_and_dropped(site):
    site.publisher.files[f"o/r/{LORA}"].seconds = 0.1
    site.post("", file=LORA, accept_licence=True)
    assert site.post("/pause", file=LORA).json() == {"paused": True}
    site.wait_for(LORA, "paused")
    assert site.post("/resume", file=LORA).json() == {"resumed": True}
    assert site.post("/pause", file=LORA).json() == {"paused": True}
    assert site.post("/remove", file=LORA).json() == {"removed": True}
    assert site.get("/progress") == []
    for action in ("pause", "resume", "remove"):
        assert list(site.post(f"/{action}", file=LORA).json().values()) == [False]


@pytest.mark.parametrize("name", ["other.safetensors", "../small.safetensors", "", "https://a/b"])
def test_nothing_else_is_downloaded(site, name):
    refused = site.post("", file=name, accept_licence=True)
    assert refused.status_code == 422
    assert "not among the files" in refused.json()["detail"]


def test_an_address_in_the_request_is_refused(site):
    refused = site.post("", file=LORA, accept_licence=True, url=site.publisher.url("evil"))
    assert refused.status_code == 422
    assert site.publisher.asked == []


@pytest.mark.parametrize("path", ["", "/size", "/resume"])
def test_nothing_is_downloaded_where_the_host_forbids_it(site, path):
    site.refusal = "this webui is open"
    body = {"file": LORA, **({"accept_licence": True} if not path else {})}
    refused = site.post(path, **body)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("downloads: this webui is open; allowed: copying")
    assert site.get()["refusal"] == "this webui is open"

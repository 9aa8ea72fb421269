"""The soak's jobs, and what it asks of a webui (here one that only answers)."""

from __future__ import annotations

import json

import httpx
import pytest

from benchmarks import soak
from fooocus_ext import args
from fooocus_ext.errors import RequestError

TITLES = ("base.safetensors [1]", "refiner.safetensors [2]", "second.safetensors [3]")
HELD = {"tensors": 7, "bytes": 2_000_000_000, "RssAnon": 3_000_000_000, "VmRSS": 4_000_000_000}


class Answering:
    """Stands for a webui: notes each request and refuses what the extension would refuse."""

    def __init__(self, extension):
        self.asked = []
        transport = httpx.MockTransport(self.answer)
        self.webui = soak.Webui(
            httpx.Client(base_url="http://webui", transport=transport), extension
        )

    def answer(self, request):
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.url.path, body))
        if request.url.path == "/soak/memory":
            return httpx.Response(200, json=HELD)
        if request.url.path == "/sdapi/v1/sd-models":
            return httpx.Response(200, json=[{"title": title} for title in TITLES])
        if request.url.path == "/sdapi/v1/loras":
            return httpx.Response(200, json=[{"name": "small"}])
        named = (body or {}).get("alwayson_scripts", {}).get("Fooocus", {}).get("args")
        if named is not None:
            try:
                args.parse(named)
            except RequestError:
                return httpx.Response(422, json={"detail": "refused"})
        return httpx.Response(200, json={})

    def bodies(self, path="/sdapi/v1/txt2img"):
        return [body for asked, body in self.asked if asked == path]


def test_base_second_and_refiner_are_told_by_their_names():
    webui = Answering("on").webui
    assert (webui.base, webui.second, webui.refiner) == (TITLES[0], TITLES[2], TITLES[1])


def test_all_jobs_but_the_last_are_what_the_extension_takes():
    host = Answering("on")
    for number, (settings, extra) in enumerate(soak.JOBS):
        host.webui.job(number, settings, extra)
    given = [body.get("alwayson_scripts") for body in host.bodies()]
    assert given[0] is None
    parsed = [args.parse(scripts["Fooocus"]["args"]) for scripts in given[1:-1]]
    assert {each.refiner for each in parsed} == {"None", TITLES[1]}
    with pytest.raises(RequestError, match="sharpness"):
        args.parse(given[-1]["Fooocus"]["args"])
    assert [body["prompt"].count("<lora:small:") for body in host.bodies()].count(1) == 2


def test_without_the_extension_nothing_is_asked_of_it():
    host = Answering("absent")
    soak.soak(host.webui, len(soak.JOBS))
    assert not any("alwayson_scripts" in body for body in host.bodies())


def test_memory_is_told_every_twenty_jobs_and_five_switches(capsys):
    host = Answering("on")
    soak.soak(host.webui, 40)
    soak.switch(host.webui, 10)
    rows = [line.split(" | ")[0].strip("| ") for line in capsys.readouterr().out.splitlines()]
    assert rows == ["20 jobs", "40 jobs", "5 switches", "10 switches"]
    chosen = [body["sd_model_checkpoint"] for body in host.bodies("/sdapi/v1/options")]
    assert chosen == [TITLES[2], TITLES[0]] * 5


def test_a_row_is_in_gigabytes(capsys):
    Answering("on").webui.row("start")
    assert capsys.readouterr().out == "| start | 7 | 2.00 | 3.00 | 4.00 |\n"


def test_a_webui_that_does_not_start_is_told_with_its_log(tmp_path, monkeypatch):
    webui = tmp_path / "webui"
    (webui / "venv" / "bin").mkdir(parents=True)
    python = webui / "venv" / "bin" / "python"
    python.write_text("#!/bin/sh\necho no torch here\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(soak.time, "sleep", lambda _seconds: None)
    with (
        pytest.raises(TimeoutError, match="no torch here"),
        soak.running(webui, tmp_path / "models", None, "on"),
    ):
        pytest.fail("it cannot have started")

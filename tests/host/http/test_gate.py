"""The gate before our routes, on a server of its own: what passes, what is refused, and how briefly."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from fooocus_ext.host.http import body_checks

JSON = {"Content-Type": "application/json"}
SECONDS = 2
LONGEST_ANSWER = 20_000


class Words(BaseModel):
    prompt: str = Field("", max_length=100)
    names: list[str] = Field(default_factory=list, max_items=5)
    weight: float = 1.0

    class Config:
        extra = "forbid"


@pytest.fixture
def done():
    """What the routes have done."""
    return []


@pytest.fixture
def gate(load_host_module):
    return load_host_module("http/gate", shared=SimpleNamespace(cmd_opts=SimpleNamespace()))


@pytest.fixture
def client(gate, done):
    app, ours = FastAPI(), APIRouter()

    @ours.post("/ours/words")
    def words(given: Words):
        done.append(given.dict())
        return given.dict()

    @ours.post("/ours/reload")
    def reload():
        done.append("reload")
        return {}

    @ours.get("/ours/list")
    def listed():
        return ["x" * 2000]

    @app.post("/hosts")
    def hosts(given: Words):
        return given.dict()

    gate.add_routes(app, ours)
    return TestClient(app, base_url="http://localhost:7860")


def post(client, path, content, headers=JSON):
    started = time.process_time()
    answer = client.post(path, content=content, headers=headers)
    assert time.process_time() - started < SECONDS
    assert len(answer.content) < LONGEST_ANSWER
    json.loads(answer.content)
    return answer


def test_a_program_is_answered(client, done):
    assert post(client, "/ours/words", b'{"prompt": "a fox"}').json()["prompt"] == "a fox"
    assert post(client, "/ours/reload", b"", {}).status_code == 200
    assert post(client, "/ours/reload", b"{}").status_code == 200
    assert client.get("/ours/list").status_code == 200
    assert len(done) == 3


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_announced_in_other_words(client, kind):
    assert post(client, "/ours/words", b"{}", {"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "text/plain;application/json", "application/x-www-form-urlencoded"],
)
@pytest.mark.parametrize("path", ["/ours/words", "/ours/reload"])
def test_a_body_that_is_not_said_to_be_json_is_refused(client, done, path, kind):
    answer = post(client, path, b"{}", {} if kind is None else {"Content-Type": kind})
    assert (answer.status_code, done) == (415, [])
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/ours/words", "/ours/reload"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example:7860", "Host": "evil.example:7860"},
    ],
    ids=str,
)
def test_a_foreign_page_is_refused(client, done, path, headers):
    assert post(client, path, b"{}", {**JSON, **headers}).status_code == 403
    assert post(client, path, b"", headers).status_code == 403
    assert done == []


def test_a_foreign_name_reads_nothing(client):
    assert client.get("/ours/list", headers={"Host": "evil.example"}).status_code == 403


def test_no_route_is_there_before_its_gate(gate, monkeypatch):
    app, ours = FastAPI(), APIRouter()
    ours.get("/ours")(lambda: 1)
    seen = []
    trust_of = gate.trust_of
    monkeypatch.setattr(
        gate, "trust_of", lambda flags: seen.append(app.routes[:]) or trust_of(flags)
    )
    before = app.routes[:]
    gate.add_routes(app, ours)
    assert seen == [before]
    assert [type(route.app) for route in app.routes if route not in before] == [gate.Gate]


def test_what_has_no_place_for_a_gate_is_not_added(gate):
    app, ours = FastAPI(), APIRouter()
    ours.websocket("/ours")(lambda socket: None)
    with pytest.raises(TypeError, match="no gate"):
        gate.add_routes(app, ours)
    assert "/ours" not in [route.path for route in app.routes]


def test_other_routes_are_left_alone(client):
    assert (
        post(client, "/hosts", b"{}", {**JSON, "Origin": "http://evil.example"}).status_code == 200
    )
    assert client.post("/hosts", json={"prompt": "x" * 2_000_000}).status_code == 422


@pytest.mark.parametrize("path", ["/ours/words", "/ours/reload"])
def test_a_large_body_is_refused_by_its_announcement_and_by_its_length(client, done, path):
    content = b'{"prompt": "' + b"x" * body_checks.MAX_BYTES + b'"}'
    assert post(client, path, content).status_code == 413
    assert post(client, path, iter([content[:1000], content[1000:]])).status_code == 413
    assert post(client, path, b"{}", {**JSON, "Content-Length": "9" * 99}).status_code == 413
    assert done == []


def read_body(request):
    """Read a request's body in a thread of its own: Playwright leaves a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, body_checks.read_body(request)).result()


def test_a_large_body_is_not_read_to_its_end():
    taken = []

    async def receive():
        taken.append(1)
        return {"type": "http.request", "body": b" " * 100_000, "more_body": True}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(HTTPException) as refused:
        read_body(Request(scope, receive))
    assert (refused.value.status_code, len(taken)) == (413, 11)


def test_a_body_that_is_cut_off_is_no_failure_of_ours():
    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(HTTPException) as refused:
        read_body(Request({"type": "http", "headers": []}, receive))
    assert refused.value.status_code == 400


MANY = {f"key{number}": number for number in range(50_000)}
HOSTILE = {
    "unknown keys": json.dumps(MANY),
    "as many as are allowed": json.dumps(dict(list(MANY.items())[: body_checks.MAX_VALUES - 2])),
    "a long list": "[" + "0," * 400_000 + "0]",
    "a list of lists": json.dumps({"names": [[["x"] * 10] * 10] * 100}),
    "brackets": "[" * 500_000,
    "closed brackets": "[" * 5000 + "]" * 5000,
    "objects": '{"a":' * 100_000,
    "400 zeros": '{"weight": 1' + "0" * 400 + "}",
    "5000 zeros": '{"weight": 1' + "0" * 5000 + "}",
    "a million digits": '{"weight": ' + "9" * 1_000_000 + "}",
    "a long fraction": '{"weight": 0.' + "1" * 1_000_000 + "}",
    "infinite": '{"weight": 1e999}',
    "minus infinite": '{"weight": -Infinity}',
    "not a number": '{"weight": NaN}',
    "half a character": '{"prompt": "\\ud800", "\\udc00": 1}',
    "a long text": json.dumps({"prompt": "x" * 900_000}),
    "a long name": json.dumps({"x" * 900_000: 1}),
    "self": '{"self": 1, "__root__": 2, "cls": 3}',
    "not JSON": "{" * 3,
    "not text": b"\xff\xfe\xfa",
    "UTF-16": '{"weight": "x"}'.encode("utf-16"),
    "nothing": "null",
    "spaces": " " * 100_000,
}


@pytest.mark.parametrize("path", ["/ours/words"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_at_once_and_briefly(client, done, path, name):
    answer = post(client, path, HOSTILE[name])
    assert (answer.status_code, done) == (422, []), answer.text[:500]


def test_what_is_wrong_is_counted_and_shortened(client):
    answer = post(
        client, "/ours/words", json.dumps({f"key{n}": "x" * 500 for n in range(100, 200)})
    )
    *problems, last = answer.json()["detail"]
    assert [problem["loc"] for problem in problems] == [
        ["body", f"key{n}"] for n in range(100, 110)
    ]
    assert last["msg"] == "and 90 more"


def test_problems_of_pydantic_2_can_be_answered():
    """As Forge's pydantic 2.8 has them: what a validator of ours raised is one of their values."""
    problem = {
        "type": "value_error",
        "loc": ("body", "seed"),
        "msg": "Value error, got 1.5; allowed: a whole number",
        "input": 1.5,
        "ctx": {"error": ValueError("got 1.5; allowed: a whole number")},
    }
    (shown,) = json.loads(json.dumps(body_checks.shortened_problems([problem])))
    assert shown["ctx"] == {"error": "got 1.5; allowed: a whole number"}
    assert (shown["loc"], shown["input"]) == (["body", "seed"], 1.5)


def test_problems_of_pydantic_2_do_not_repeat_the_body():
    body = {f"k{number}": number for number in range(1500)}
    missing = [
        {"type": "missing", "loc": ("body", name), "msg": "Field required", "input": body}
        for name in ("name", "window", "action", "values")
    ]
    shown = body_checks.shortened_problems(missing)
    assert [problem["loc"][1] for problem in shown] == ["name", "window", "action", "values"]
    assert len(json.dumps(shown)) < 1000

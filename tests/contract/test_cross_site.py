"""Our routes on a running host, against pages of other sites and against hostile requests."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest

from fooocus_ext.api.bodies import LARGEST_BODIES
from tests.contract.families import SHORT_REFUSALS
from tests.contract.hosts import FAMILY, encode

OURS = "/fooocus/"
FOREIGN = {
    "text": {"Content-Type": "text/plain"},
    "no type": {},
    "form": {"Content-Type": "application/x-www-form-urlencoded"},
    "another site": {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"},
    "another port": {"Content-Type": "application/json", "Origin": "http://testserver:81"},
    "rebound": {
        "Content-Type": "application/json",
        "Origin": "http://evil.example",
        "Host": "evil.example",
    },
}
WHITE = encode(np.full((64, 64, 3), 255, np.uint8))
WANTED = {
    "/fooocus/v1/presets": {"name": "planted"},
    "/fooocus/v1/presets/rename": {"name": "a", "new_name": "planted"},
    "/fooocus/v1/downloads": {"file": "sdxl_lcm_lora.safetensors", "accept_licence": True},
    "/fooocus/v1/downloads/size": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/pause": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/resume": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/downloads/remove": {"file": "sdxl_lcm_lora.safetensors"},
    "/fooocus/v1/expansion-model": {"base_url": "http://", "files": []},
    "/fooocus/v1/txt2img": {"prompt": "planted", "steps": 1},
    "/fooocus/v1/img2img": {"prompt": "planted", "steps": 1, "image": WHITE, "mask": WHITE},
    "/fooocus/v1/remake": {"text": "planted"},
    **{
        f"/fooocus/v1/queue/{what}": {}
        for what in ("add", "remove", "move", "retry", "repeat", "skip", "stop", "clear")
    },
    "/fooocus/v1/styles/preview": {"prompt": "planted"},
    "/fooocus/v1/expand": {"prompt": "planted"},
    "/fooocus/v1/reload": {},
    "/fooocus/v1/refiner/release": {},
}
SAFE = {"GET", "HEAD", "OPTIONS"}
DELETED = ("/fooocus/v1/presets/{name}", "/fooocus/v1/expansion-model")


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that our routes have asked for; none is run."""
    from fooocus_ext.errors import RequestError
    from fooocus_ext.host.jobs import run

    asked = []

    def refuse(job):
        asked.append(job)
        raise RequestError("far enough")

    monkeypatch.setattr(run, "run_queued", refuse)
    return asked


@pytest.fixture
def day(host):
    """A day of the log with one picture in it, served by the host."""
    from fooocus_ext import image_log
    from fooocus_ext.host.tab import storage

    folder = storage.root() / "2026-05-31"
    image_log.append(folder, "a.png", "2026-05-31 10:00", {"prompt": "</style><script>x"})
    (folder / "a.png").write_bytes(b"a picture")
    (folder / "old.html").write_text(
        "<script>written by an earlier version</script>", encoding="utf-8"
    )
    yield "/fooocus/v1/log/2026-05-31"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def own_routes(host):
    return [route for route in host.client.app.routes if route.path.startswith(OURS)]


def test_every_route_of_ours_is_behind_the_gate(host):
    from fooocus_ext.host.http.gate import Gate

    assert len(own_routes(host)) >= 15
    assert [route.path for route in own_routes(host) if not isinstance(route.app, Gate)] == []


def test_a_larger_body_is_allowed_to_routes_that_there_are(host):
    assert set(LARGEST_BODIES) <= {route.path for route in own_routes(host)}


def test_no_route_of_ours_changes_anything_on_get(host):
    changing = [route for route in own_routes(host) if not route.methods <= SAFE]
    assert {route.path for route in changing if "POST" in route.methods} == set(WANTED)
    assert {route.path for route in changing if "POST" not in route.methods} == set(DELETED)


@pytest.mark.parametrize("path", DELETED)
def test_another_sites_page_deletes_nothing(host, path):
    for headers in (FOREIGN["another site"], FOREIGN["another port"], FOREIGN["rebound"]):
        assert host.client.delete(path.format(name="mine"), headers=headers).status_code == 403


@pytest.mark.parametrize("path", WANTED)
@pytest.mark.parametrize("kind", FOREIGN)
def test_another_sites_page_causes_nothing(host, jobs, path, kind):
    content = json.dumps(WANTED[path])
    answer = host.client.post(path, content=content, headers=FOREIGN[kind])
    assert answer.status_code in (403, 415), answer.text
    assert answer.json()["detail"].startswith("Fooocus: ")
    assert jobs == []
    assert "planted" not in host.client.get("/fooocus/v1/presets").json()["presets"]


@pytest.mark.parametrize("path", ["", "presets", "styles", "expansion-model", "log/"])
def test_a_page_that_points_its_domain_here_reads_nothing(host, path):
    answer = host.client.get(f"/fooocus/v1/{path}", headers={"Host": "evil.example:7860"})
    assert answer.status_code in (403, 404)
    assert "planted" not in answer.text


def test_the_log_is_read_under_the_webuis_own_name_alone(host, day):
    assert host.client.get(f"{day}/a.png").content == b"a picture"
    for name in ("log.html", "a.png"):
        refused = host.client.get(f"{day}/{name}", headers={"Host": "evil.example"})
        assert refused.status_code == 403
        vouched = {"Host": "pictures.example.org", "Sec-Fetch-Site": "same-origin"}
        assert host.client.get(f"{day}/{name}", headers=vouched).status_code == 200


@pytest.mark.parametrize("name", ["log.html", "a.png", "old.html"])
def test_what_the_log_answers_is_locked_down(host, day, name):
    answer = host.client.get(f"{day}/{name}")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    rules = rules_of(answer.headers["Content-Security-Policy"])
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'self'"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert "'unsafe-inline'" not in rules.get("script-src", [])
    assert ("script-src" in rules) == (name == "log.html")


@pytest.mark.parametrize(
    "name",
    ["x" * 300, "\U00020000" * 90, "../a", ""],
    ids=["long", "long in bytes", "of another folder", "empty"],
)
def test_a_name_that_no_picture_of_the_log_has_is_not_there(host, day, name):
    assert host.client.get(f"{day}/{name}.png").status_code == 404


def test_a_page_of_the_log_allows_its_own_script_and_style_alone(host, day):
    answer = host.client.get(f"{day}/log.html")
    page = Page()
    page.feed(answer.text)
    rules = rules_of(answer.headers["Content-Security-Policy"])
    assert rules_of(page.policy).items() <= rules.items()
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        assert rules[f"{tag}-src"] == [f"'sha256-{digest}'"]


def test_no_pictures_are_told_of_without_a_script(host):
    answer = host.client.get("/fooocus/v1/log/")
    if "There are no pictures yet" in answer.text:
        assert rules_of(answer.headers["Content-Security-Policy"])["default-src"] == ["'none'"]


def rules_of(policy):
    """A content security policy as a dict from each rule to its sources."""
    return {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}


class Page(HTMLParser):
    """The policy, style and script of a page."""

    def __init__(self):
        super().__init__()
        self.policy, self.texts, self._tag = "", {}, ""

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self._tag = tag

    def handle_data(self, data):
        self.texts.setdefault(self._tag, data)


HOSTILE_VALUES = (
    "1" + "0" * 400, "-1" + "0" * 400, "1e999", "NaN", "Infinity", "1e-400", "null", "true", "[]", "{}",
    '""', '"x"', '"\\ud800"', '"\\u0000"', '{"self": 1}', '[{"self": 1}]', '{"__root__": 1}', '["film"]',
    '"' + "x" * 30_000 + '"', "[" * 40 + "]" * 40, "[" * 900 + "]" * 900, "[" * 5000 + "]" * 5000,
    '["' + '","'.join(f"style {n}" for n in range(600)) + '"]', '{"name": "x", "weight": 1e999}', "1" * 5000,
    "{" + ",".join(f'"k{n}": {n}' for n in range(1500)) + "}",
)  # fmt: skip
SECONDS = 2
LONGEST_ANSWER = 20_000


def fields_of(host, path):
    """The names that a route's body may have, by the host's own description of it."""
    description = host.client.get("/openapi.json").json()
    content = description["paths"][path]["post"].get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = description["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return sorted(schema.get("properties", {}))


def post(host, path, content):
    started = time.process_time()
    headers = {"Content-Type": "application/json"}
    answer = host.client.post(path, content=content.encode(), headers=headers)
    taken = time.process_time() - started
    assert answer.status_code < 500, (content[:300], answer.text[:500])
    longest = LONGEST_ANSWER + (2 * len(content) if SHORT_REFUSALS in FAMILY.lacks else 0)
    assert len(answer.content) < longest or answer.status_code == 200
    makes_a_picture = answer.status_code == 200 and "txt2img" in path
    assert taken < SECONDS or makes_a_picture, (taken, content[:300])
    return answer


@pytest.mark.parametrize("path", WANTED)
def test_no_hostile_value_makes_a_route_of_ours_fail(host, path, jobs):
    draw = random.Random(path)
    fields = fields_of(host, path)
    bodies = list(HOSTILE_VALUES)
    bodies += [
        f'{{"{field}": {value}}}' for field in [*fields, "self", "x"] for value in HOSTILE_VALUES
    ]
    for _ in range(100 if fields else 0):
        some = draw.sample(fields, k=draw.randint(1, min(4, len(fields))))
        bodies.append(
            "{" + ", ".join(f'"{name}": {draw.choice(HOSTILE_VALUES)}' for name in some) + "}"
        )
    for body in bodies:
        post(host, path, body)


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_no_hostile_settings_of_a_preset_make_saving_fail(host, value):
    for settings in (value, f'{{"sharpness": {value}}}', f'{{"styles": {value}}}'):
        answer = post(host, "/fooocus/v1/presets", f'{{"name": "?", "settings": {settings}}}')
        assert answer.status_code == 422


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_no_hostile_argument_makes_the_hosts_route_fail(host, value):
    if any(word in value.lower() for word in ("nan", "inf", "1e999", r"\ud800")):
        FAMILY.need(SHORT_REFUSALS)
    for scripts in (
        value,
        f'{{"Fooocus": {value}}}',
        f'{{"Fooocus": {{"args": {value}}}}}',
        f'{{"Fooocus": {{"args": [{value}]}}}}',
        f'{{"Fooocus": {{"args": [{{"sharpness": {value}}}]}}}}',
    ):
        post(
            host,
            "/sdapi/v1/txt2img",
            f'{{"steps": 1, "width": 64, "height": 64, "alwayson_scripts": {scripts}}}',
        )


HOSTILE_INFOTEXTS = {
    "brackets": "a fox\nSteps: 2, Size: 64x64, Fooocus: True, Fooocus styles: " + "[" * 5000,
    "quoted brackets": 'a fox\nSteps: 2, Fooocus: True, Fooocus styles: "' + "[" * 5000 + '"',
    "a large number": "a fox\nSteps: 2, Fooocus: True, Fooocus sharpness: 1" + "0" * 400,
    "infinite": "a fox\nSteps: 2, Fooocus: True, Fooocus sharpness: 1e999",
    "not a number": "a fox\nSteps: 2, Fooocus: True, Fooocus sharpness: nan",
    "a long number": "a fox\nSteps: 2, Fooocus: True, Fooocus sharpness: " + "1" * 5000,
    "half a character": "a fox\nSteps: 2, Fooocus: True, Fooocus prompt: \ud800",
}


@pytest.mark.parametrize("name", HOSTILE_INFOTEXTS)
@pytest.mark.parametrize("arguments", [None, {"enabled": True}])
def test_no_hostile_infotext_is_a_failure_of_ours(host, name, arguments):
    body = {"infotext": HOSTILE_INFOTEXTS[name], "steps": 1, "width": 64, "height": 64}
    if arguments:
        body["alwayson_scripts"] = {"Fooocus": {"args": [arguments]}}
    answer = host.post("/sdapi/v1/txt2img", body)
    assert answer.status in (200, 422), answer.body


def test_refusals_name_no_file_of_this_machine(host):
    answer = host.client.post("/fooocus/v1/reload", content=b"{}", headers={"Origin": "null"})
    assert answer.status_code == 403
    assert not re.search(r"[\\/](home|tmp|root|Users)[\\/]", answer.text)

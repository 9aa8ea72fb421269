"""Which requests are taken for a stranger's page, and which for the webui's own or for a program's."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from fooocus_ext.host.http.origin import Trust, trust_of

TRUST = Trust(names=("pictures.example.org", ".gradio.live"))


def headers(host="127.0.0.1:7860", origin=None, site=None, forwarded=None):
    given = {"host": host, "origin": origin, "sec-fetch-site": site, "x-forwarded-host": forwarded}
    return {name: value for name, value in given.items() if value is not None}


OWN = {
    "curl": headers(),
    "curl to a name": headers("ui.example.com"),
    "http 1.0": {},
    "own page": headers(origin="http://127.0.0.1:7860", site="same-origin"),
    "own page, older browser": headers(origin="http://127.0.0.1:7860"),
    "in the network": headers("192.168.1.5:7860", "http://192.168.1.5:7860"),
    "by IPv6": headers("[fd00::1]:7860", "http://[fd00::1]:7860"),
    "by a short name": headers("studio:7860", "http://studio:7860"),
    "by a local name": headers("Studio.LOCAL:7860", "http://studio.local:7860"),
    "port 80": headers("10.0.0.1", "http://10.0.0.1"),
    "port 443, written out": headers("10.0.0.1:443", "https://10.0.0.1"),
    "https proxy that keeps the host": headers("a.b.org", "https://a.b.org", "same-origin"),
    "https proxy that replaces it": headers("127.0.0.1:7860", "https://a.b.org", "same-origin"),
    "http proxy that says so": headers("127.0.0.1:7860", "http://studio", forwarded="studio"),
    "a name it was told": headers("pictures.example.org:7860", "http://pictures.example.org:7860"),
    "share": headers("abc123.gradio.live", "https://abc123.gradio.live"),
    "bookmark that posts": headers(origin="null", site="none"),
}
FOREIGN = {
    "another site": headers(origin="https://evil.example", site="cross-site"),
    "another port": headers(origin="http://127.0.0.1:8000", site="same-site"),
    "another port, older browser": headers(origin="http://127.0.0.1:8000"),
    "another name for this machine": headers(origin="http://localhost:7860", site="cross-site"),
    "the same, older browser": headers(origin="http://localhost:7860"),
    "without an origin": headers(site="cross-site"),
    "a sandboxed frame": headers(origin="null", site="cross-site"),
    "a sandboxed frame, older browser": headers(origin="null"),
    "a file": headers(origin="file://"),
    "a browser extension": headers(origin="chrome-extension://abcdef", site="cross-site"),
    "garbage": headers(origin="http://127.0.0.1:7860@evil.example"),
    "garbage with a port": headers(origin="http://127.0.0.1:x"),
    "a name that ends alike": headers("127.0.0.1:7860", "http://evil127.0.0.1:7860"),
    "another share": headers("a.gradio.live", "https://b.gradio.live", "same-site"),
    "one among forwarded names": headers("10.0.0.1", "http://evil.example", forwarded="a, studio"),
}
REBOUND = {
    "a domain": headers("evil.example:7860", "http://evil.example:7860"),
    "with a dot behind it": headers("evil.example.:7860", "http://evil.example.:7860"),
    "dressed as a number": headers("127.0.0.1.evil.example", "http://127.0.0.1.evil.example"),
    "dressed as a name of ours": headers("xgradio.live", "http://xgradio.live"),
    "dressed as localhost": headers("localhost.evil.example", "http://localhost.evil.example"),
    "through a proxy": headers("127.0.0.1:7860", "http://evil.example", forwarded="evil.example"),
    "garbage": headers("evil.example:port", "http://evil.example:port"),
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_is_ours_or_no_browsers_is_let_through(name, method):
    assert TRUST.problem(method, OWN[name]) is None


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "MADE-UP"])
def test_a_foreign_page_changes_nothing(name, method):
    assert TRUST.problem(method, FOREIGN[name]) is not None


@pytest.mark.parametrize("name", sorted(set(FOREIGN) - {"another site"}))
def test_a_foreign_page_may_ask_because_it_cannot_read_the_answer(name):
    assert TRUST.problem("GET", FOREIGN[name]) is None


@pytest.mark.parametrize("name", REBOUND)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_page_that_points_its_domain_here_gets_nothing(name, method):
    without_origin = {key: value for key, value in REBOUND[name].items() if key != "origin"}
    given = REBOUND[name] if method == "POST" else without_origin
    assert TRUST.problem(method, given) is not None


def test_the_refusal_names_the_flag_and_the_name():
    rebound = headers("ui.example.com:7860")
    assert "--fooocus-allow-host ui.example.com" in TRUST.problem("GET", rebound)
    assert "--cors-allow-origins" in TRUST.problem("POST", FOREIGN["another site"])


def test_https_to_a_domain_needs_no_flag():
    assert TRUST.problem("GET", headers("a.b.org", site="none")) is None


FLAGS = {
    "list": {"cors_allow_origins": "https://a.example, http://b.example:3000"},
    "pattern": {"cors_allow_origins_regex": r"http://b\.\w+:3000"},
    "all": {"cors_allow_origins": "*"},
}


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_the_hosts_own_list_of_origins_counts(flags):
    trust = trust_of(SimpleNamespace(**flags))
    assert trust.problem("POST", headers(origin="http://b.example:3000", site="cross-site")) is None


@pytest.mark.parametrize("name", ["list", "pattern"])
def test_no_more_than_that_list_counts(name):
    trust = trust_of(SimpleNamespace(**FLAGS[name]))
    for origin in ("http://b.example", "http://b.example:3000.evil.example", "null"):
        assert trust.problem("POST", headers(origin=origin)) is not None
    assert trust.problem("GET", headers("evil.example")) is not None


def test_an_allowed_origin_is_a_name_of_the_webui():
    trust = trust_of(SimpleNamespace(cors_allow_origins="https://a.example:8443"))
    assert trust.problem("GET", headers("a.example:7860")) is None


def test_the_command_line_names_the_webui(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Studio.corp.example")
    flags = SimpleNamespace(
        fooocus_allow_host=["one.example", "two.example, Three.example"],
        server_name="server.example",
        share=True,
        cors_allow_origins_regex="",
    )
    trust = trust_of(flags)
    own = ("studio.corp.example", "one.example", "two.example", "three.example", "server.example")
    for name in (*own, "abc.gradio.live"):
        assert trust.problem("GET", headers(f"{name}:7860")) is None, name
    assert trust.origin_pattern is None
    assert trust.problem("GET", headers("other.example")) is not None


def test_a_webui_without_these_flags_is_known_by_numbers_and_short_names():
    trust = trust_of(SimpleNamespace())
    assert trust.problem("GET", headers("localhost:7860")) is None
    assert trust.problem("GET", headers("abc.gradio.live")) is not None


@pytest.mark.parametrize("length", [10_000, 300_000])
def test_long_headers_cost_nothing(length, capsys):
    text = "a." * (length // 2)
    assert TRUST.problem("POST", headers(text, f"http://{text}:1", forwarded="x," * length))
    assert len(TRUST.problem("GET", headers(text))) < length + 1000
    assert re.search("--fooocus", TRUST.problem("GET", headers(text)))

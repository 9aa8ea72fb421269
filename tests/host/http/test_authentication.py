"""Who is logged in on the webui's page, by the cookie of its Gradio, and who may use our routes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

TOKENS = {"secret": "somebody"}
GRADIO_3, GRADIO_4 = {}, {"cookie_id": "Ab3"}


@pytest.fixture
def answer_to(load_host_module):
    """Return a function that asks a route of ours on a page with a login."""

    def ask(cookies, api_auth=None, basic=None, **gradio):
        shared = SimpleNamespace(cmd_opts=SimpleNamespace(api_auth=api_auth))
        authentication = load_host_module("http/authentication", shared=shared).authentication
        app = FastAPI()
        app.auth, app.tokens = {"somebody": "password"}, TOKENS
        vars(app).update(gradio)
        app.get("/ours", dependencies=authentication(app))(lambda: "hello")
        client = TestClient(app, cookies=cookies)
        return client.get("/ours", auth=basic).status_code

    return ask


@pytest.mark.parametrize("kind", ["", "-unsecure"])
@pytest.mark.parametrize(("gradio", "suffix"), [(GRADIO_3, ""), (GRADIO_4, "-Ab3")])
def test_a_login_on_the_page_counts(answer_to, gradio, suffix, kind):
    assert answer_to({f"access-token{kind}{suffix}": "secret"}, **gradio) == 200
    assert answer_to({f"access-token{kind}{suffix}": "another"}, **gradio) == 401


@pytest.mark.parametrize("gradio", [GRADIO_3, GRADIO_4])
@pytest.mark.parametrize("cookies", [{}, {"access-token-Xy9": "secret"}])
def test_no_cookie_and_that_of_another_start_do_not(answer_to, gradio, cookies):
    assert answer_to(cookies, **gradio) == 401


def test_the_apis_account_counts_beside_the_login(answer_to):
    account = ("me", "pass:word")
    assert answer_to({}, api_auth="me:pass:word", basic=account, **GRADIO_4) == 200
    assert answer_to({}, api_auth="me:other", basic=account, **GRADIO_4) == 401

"""The routes of the tab's queue: what a window may see and do, and what it may not."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import queue as api
from fooocus_ext.job_queue.jobs import Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.job_queue.store import SplitStore, Store

WINDOW, OTHER = "0123456789abcdef", "fedcba9876543210"


class Page:
    """A window's requests, and what reached the host."""

    def __init__(self):
        self.queue = JobQueue(SplitStore(Store.in_memory()))
        self.asked, self.interrupted, self.skipped = [], [], []
        services = api.Services(
            lambda: self.queue, self.asked.append, self.interrupted.append, self.skipped.append
        )
        app = FastAPI()
        app.include_router(api.router(services))
        self.client = TestClient(app)

    def add(self, name, window=WINDOW, prompt="a fox", **values):
        self.queue.add(QueuedJob(name, window, "generate", {"prompt": prompt}, seed=1, **values))

    def get(self, window=WINDOW, path="", **query):
        return self.client.get(f"/fooocus/v1/queue{path}", params={"window": window, **query})

    def post(self, path, window=WINDOW, **body):
        answer = self.client.post(f"/fooocus/v1/queue/{path}", json={"window": window, **body})
        return answer if answer.status_code != 200 else answer.json()


@pytest.fixture
def page():
    return Page()


def names(answer):
    return [job["id"] for job in answer["jobs"]]


def test_a_window_sees_its_own_jobs_and_how_many_there_are(page):
    page.add("a")
    page.add("x", OTHER, prompt="a secret")
    page.add("b", image_number=3, private=True)
    page.queue.take()
    answer = page.get().json()
    assert (answer["open_jobs"], answer["forever"], answer["version"]) == (3, False, "")
    first, second = answer["jobs"]
    assert first == {
        "id": "a",
        "state": "running",
        "action": "generate",
        "prompt": "a fox",
        "image_number": 1,
        "made": 0,
        "private": False,
        "error": "",
        "place": 1,
    }
    assert (second["id"], second["place"], second["private"]) == ("b", 3, True)
    assert "secret" not in page.get().text


def test_a_new_job_is_passed_on_and_a_refusal_comes_back(page):
    body = {"job": "task(0123456789)", "action": "generate", "values": ["a fox", 1, None]}
    page.post("add", **body, picture={"job": "a", "index": 1})
    (asked,) = page.asked
    assert (asked.window, asked.job, asked.values) == (WINDOW, body["job"], body["values"])
    assert (asked.forever, asked.picture.job, asked.picture.index) == (False, "a", 1)
    for wrong in ({"values": [0] * 501}, {"forever": "yes"}, {"picture": {"job": "a"}}):
        assert page.post("add", **{**body, **wrong}).status_code == 422


def test_jobs_are_moved_and_removed(page):
    for name in "abc":
        page.add(name)
    assert names(page.post("move", job="c", before="a")) == ["c", "a", "b"]
    assert names(page.post("move", job="c", before=None)) == ["a", "b", "c"]
    assert names(page.post("remove", job="b")) == ["a", "c"]


@pytest.mark.parametrize("path", ["move", "remove", "retry"])
def test_what_is_not_the_windows_own_is_refused_with_words(page, path):
    page.add("x", OTHER)
    answer = page.post(path, job="x")
    assert answer.status_code == 422
    assert "no such job in this window" in answer.json()["detail"]


def test_stop_and_skip_reach_the_windows_own_job_alone(page):
    page.add("x", OTHER)
    page.add("a", forever=True)
    page.post("stop", job="x")
    page.post("skip", job="x")
    assert page.interrupted == page.skipped == []
    assert page.post("stop", job="a")["forever"] is False
    page.post("skip", job="a")
    assert (page.interrupted, page.skipped) == (["a"], ["a"])


def test_clear_removes_what_waits_and_stops_what_runs(page):
    for name, window in (("a", WINDOW), ("b", WINDOW), ("x", OTHER)):
        page.add(name, window)
    page.queue.take()
    assert names(page.post("clear")) == ["a"]
    assert page.interrupted == ["a"]
    assert names(page.get(OTHER).json()) == ["x"]


def test_a_job_is_repeated_and_a_failed_one_tried_again(page):
    page.add("a")
    assert page.post("repeat", forever=True)["forever"] is True
    assert page.post("repeat", forever=False)["forever"] is False
    page.queue.take()
    page.queue.fail("a", "no memory")
    (failed,) = page.get().json()["jobs"]
    assert (failed["state"], failed["error"], failed["place"]) == ("failed", "no memory", None)
    assert page.post("retry", job="a")["jobs"][0]["state"] == "waiting"


def test_a_picture_in_memory_is_given_to_its_window_as_a_file(page):
    page.add("a", private=True)
    page.queue.take()
    page.queue.picture_made("a", Made(0, None, "", 1), b"the picture")
    answer = page.get(path="/picture", job="a", index=0)
    assert (answer.content, answer.headers["content-type"]) == (b"the picture", "image/png")
    assert answer.headers["content-disposition"] == 'attachment; filename="picture-1.png"'
    assert page.get(path="/picture", job="a", index=1).status_code == 404
    assert page.get(OTHER, "/picture", job="a", index=0).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"window": "short", "job": "a"},
        {"window": "x" * 65, "job": "a"},
        {"window": WINDOW, "job": "a" * 101},
        {"window": WINDOW},
        {"window": WINDOW, "job": "a", "more": 1},
    ],
)
def test_other_shapes_are_refused(page, body):
    assert page.client.post("/fooocus/v1/queue/remove", json=body).status_code == 422


def test_half_characters_in_a_prompt_do_not_break_the_answer(page):
    page.add("a", prompt="\ud800 fox")
    assert page.get().json()["jobs"][0]["prompt"] == "? fox"

"""Which actor is let go of when a job ends badly; with a stand-in for Ray, which the webui's Python lacks."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from bulk.answers import Make
from bulk.executors import ray_actors
from bulk.executors.base import Spec


class DiedError(Exception):
    pass


class Actor:
    """An actor whose jobs give one reference each, in the order in which they are given."""

    def __init__(self):
        self.run = SimpleNamespace(remote=lambda _job: object())

    def options(self, **_options):
        return SimpleNamespace(remote=lambda _spec: Actor())


class Ray:
    exceptions = SimpleNamespace(RayError=DiedError, RayActorError=DiedError)

    def __init__(self):
        self.killed = []
        self.ready = []

    def remote(self, _kind):
        return Actor()

    def wait(self, references, num_returns, timeout):
        ready = [reference for reference in references if reference in self.ready]
        return ready[:num_returns], []

    def get(self, _reference):
        raise DiedError("the actor has died")

    def kill(self, actor):
        self.killed.append(actor)

    def get_runtime_context(self):
        return SimpleNamespace(get_node_id=lambda: "node")

    def nodes(self):
        return [{"NodeID": "node", "Alive": True}]


@pytest.fixture
def ray(monkeypatch):
    ray = Ray()
    monkeypatch.setattr(ray_actors, "connect", lambda _address, _count: ray)
    return ray


def test_the_late_answer_of_a_dead_actor_leaves_the_new_one_alone(ray):
    actors = ray_actors.Actors("local", [Spec("a", "http://a")])
    actors.submit(0, 1, Make({}, 10))
    actors.submit(0, 2, Make({}, 10))
    first, second = actors._running
    old = actors._actors[0]
    ray.ready = [first]
    assert [ticket for ticket, _answer in actors.wait(0)] == [1]
    actors.submit(0, 3, Make({}, 10))
    new = actors._actors[0]
    assert new is not old
    ray.ready = [second]
    assert [ticket for ticket, _answer in actors.wait(0)] == [2]
    assert actors._actors[0] is new
    assert new not in ray.killed


def test_an_actor_that_gives_no_answer_in_time_is_ended(ray, monkeypatch):
    monkeypatch.setattr(ray_actors, "CHECK_SECONDS", 0.0)
    actors = ray_actors.Actors("local", [Spec("a", "http://a")])
    actors.submit(0, 1, Make({}, -2 * ray_actors.GRACE_SECONDS))
    old = actors._actors[0]
    time.sleep(0.01)
    assert [(ticket, answer.kind) for ticket, answer in actors.wait(0)] == [(1, "broken")]
    assert ray.killed == [old]
    assert actors._actors == {}

"""What the refiner's benchmark makes of the times of its jobs, on a host whose pictures only take time."""

from __future__ import annotations

import pytest

from benchmarks import _host, refiner

LOADING = 20.0
OF_HOST = 40.0


class Machine:
    """Makes no pictures: each step takes a unit of time, and more if the machine becomes slower."""

    def __init__(self, slower: float = 0.0) -> None:
        self.now = 0.0
        self.slower = slower
        self.is_loaded = False
        self.disturbed = set()
        self.jobs = []

    def generate(self, settings=None, **request):
        cost = request["steps"] * (1 + self.slower * self.now)
        if request["steps"] == refiner.REQUEST["steps"]:
            cost += 1000 if len(self.jobs) in self.disturbed else 0
            self.jobs.append((bool(settings), "refiner_checkpoint" in request, self.is_loaded))
        if settings and not self.is_loaded:
            cost += LOADING
            self.is_loaded = True
        if "refiner_checkpoint" in request:
            cost += OF_HOST
        self.now += cost

    def release(self):
        self.is_loaded = False


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(_host, "generate", machine.generate)
    monkeypatch.setattr(_host, "checkpoint", lambda word: f"a {word}")
    monkeypatch.setattr(refiner, "_release", machine.release)
    monkeypatch.setattr(refiner.time, "process_time", lambda: machine.now)
    return machine


def ratios():
    return {figure.key: figure.value for figure in refiner.measure()}


def test_the_first_of_four_jobs_loads_the_refiner(machine):
    """A job of 20 steps takes 20, one that loads 40, one of the host's 60."""
    assert ratios() == {
        "refiner.job_ratio": 1.0,
        "refiner.job_ratio_with_load": (40 + 3 * 20) / 80,
        "refiner.host_job_ratio": 3.0,
    }


def test_every_kind_is_made_as_often_and_loads_where_it_should(machine):
    refiner.measure()
    ours, loading = (True, False, True), (True, False, False)
    assert machine.jobs.count(ours) == machine.jobs.count(loading) == refiner.ROUNDS >= 3
    assert len(machine.jobs) == 4 * refiner.ROUNDS


def test_a_machine_that_becomes_slower_burdens_all_alike(machine):
    machine.slower = 0.0005
    found = ratios()
    assert machine.slower * machine.now > 0.2
    assert found["refiner.job_ratio"] == pytest.approx(1, abs=0.01)


def test_one_job_that_is_disturbed_decides_nothing(machine):
    machine.disturbed = {0}
    assert ratios()["refiner.job_ratio"] == pytest.approx(1, abs=0.01)

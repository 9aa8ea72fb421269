"""Whose pictures set the standard: those of the first webui in order, unless it takes too long to answer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bulk import admission
from bulk.admission import GATHER_SECONDS, Admission
from bulk.answers import Answer, Made
from bulk.hosts import Host
from bulk.pictures import Facts

MADE = Made(b"", Facts("", "0", 8, 8, ""), "", "m", "abc")
ANSWER = Answer("picture", made=MADE, version="1")


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(admission.time, "monotonic", lambda: clock.now)
    return clock


@pytest.mark.usefixtures("clock")
def test_one_that_is_asked_first_and_answers_last_sets_the_standard():
    told = []
    hosts = [Host("first", state="probing"), Host("second", state="probing")]
    deciding = Admission(hosts, {}, None, told.append, strict=False)
    assert list(deciding.take(hosts[1], ANSWER)) == []
    assert not deciding.choose_standard()
    assert list(deciding.take(hosts[0], ANSWER)) == []
    assert deciding.choose_standard()
    assert [standard.of for standard in told] == ["first"]


def test_one_that_answers_is_not_kept_waiting_for_ever(clock):
    hosts = [Host("first", state="probing"), Host("second", state="probing")]
    deciding = Admission(hosts, {}, None, lambda _standard: None, strict=False)
    list(deciding.take(hosts[1], ANSWER))
    assert not deciding.choose_standard()
    clock.now += GATHER_SECONDS - 1
    assert not deciding.choose_standard()
    clock.now += 2
    assert deciding.choose_standard()
    assert deciding.standard.of == "second"

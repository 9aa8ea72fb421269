"""Whom the dispatcher gives what, with an executor whose answers are written down beforehand."""

from __future__ import annotations

import time

import pytest

from bulk.admission import Admission, Standard
from bulk.answers import Answer, Made, Probe
from bulk.dispatch import Dispatcher, Limits, Run
from bulk.hosts import Host
from bulk.journal import Folder, Journal
from bulk.pictures import Facts
from bulk.plan import Plan
from tests.bulk.stubs import write_list

COUNT = 6
FACTS = Facts("s", "px", 8, 8, "i")
GOOD = Answer("picture", made=Made(b"x", FACTS, "p", "m", "h"), version="v")
OTHER_MODEL = Answer("picture", made=Made(b"x", FACTS, "p", "m2", "other"))
FORBIDDEN = Answer("forbidden", "no", 401)
ERROR = Answer("error", "boom", 500)
REFUSED = Answer("refused", "no such thing", 422)


class Script:
    """An executor: the first webui answers as it is written, then all is well."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.given: list[tuple[int, Answer]] = []
        self.timeouts: list[float] = []

    def submit(self, host, ticket, job):
        is_scripted = host == 0 and self.answers and not isinstance(job, Probe)
        self.timeouts += [] if isinstance(job, Probe) else [job.timeout]
        self.given.append((ticket, self.answers.pop(0) if is_scripted else GOOD))

    def wait(self, _seconds):
        given, self.given = self.given, []
        return given


@pytest.fixture
def begin(tmp_path):
    """Begin a run of six pictures on two webuis."""

    def begin(answers, failed_before=0, max_failures=99):
        folder = Folder(tmp_path)
        plan = Plan(folder.plan)
        requests = [{"prompt": f"picture {i}"} for i in range(COUNT)]
        plan.read(write_list(tmp_path / "list.jsonl", requests), {})
        plan.set_keys("h", "v")
        state = Run([Host("a"), Host("b")], 0, failed_before, COUNT + failed_before)
        standard = Standard("a", "m", "h", "v", "px")
        admission = Admission(state.hosts, plan.names, standard, lambda _new: None, strict=False)
        script, limits = Script(answers), Limits(300, 3, max_failures, 600)
        dispatcher = Dispatcher(state, plan, Journal(folder), script, admission, limits)
        dispatcher.begin("v")
        return state, dispatcher, script

    return begin


def run(dispatcher) -> str:
    deadline = time.monotonic() + 5
    return dispatcher.run(
        lambda: dispatcher.is_finished() or time.monotonic() > deadline, lambda: None
    )


@pytest.mark.parametrize(
    "answers",
    [
        [FORBIDDEN, ERROR],
        [ERROR, FORBIDDEN],
        [OTHER_MODEL, Answer("timeout", "slow")],
        [ERROR, OTHER_MODEL],
    ],
)
def test_a_request_never_stays_with_a_webui_that_is_left_out(begin, answers):
    state, dispatcher, _script = begin(answers)
    assert run(dispatcher) == "finished"
    assert (state.done, state.failed) == (COUNT, 0)
    assert [(host.state, host.held) for host in state.hosts] == [("out", []), ("ready", [])]


@pytest.mark.parametrize(
    ("refusals", "end", "failed"), [(1, "finished", 6), (COUNT, "too many failures", 7)]
)
def test_failures_of_earlier_runs_do_not_count_as_too_many(begin, refusals, end, failed):
    state, dispatcher, _script = begin([REFUSED] * refusals, failed_before=5, max_failures=1)
    assert run(dispatcher) == end
    assert state.failed == failed


def test_a_request_that_waits_behind_another_has_the_time_of_both(begin):
    _state, dispatcher, script = begin([])
    run(dispatcher)
    assert sorted(script.timeouts[:4]) == [300, 300, 600, 600]

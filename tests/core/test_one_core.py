"""Serial execution leaves the caller and the rest of the process as they were."""

from __future__ import annotations

import threading

import pytest
import torch

from fooocus_ext.core import one_core
from fooocus_ext.core.one_core import (
    idle_threads,
    on_one_core,
    run_each,
    run_on_one_core,
    run_with_threads,
    threads_beside,
)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@on_one_core
def threads_and_name(x, names=None):
    if names is not None:
        names.append(threading.current_thread().name)
    return x.new_tensor(torch.get_num_threads())


@on_one_core
def nested(x):
    return threads_and_name(x)


@on_one_core
def failing(x):
    raise KeyError("as it was raised")


def test_one_thread_inside_and_all_of_them_outside(two_threads):
    assert threads_and_name(torch.zeros(1)) == 1
    assert torch.get_num_threads() == 2
    seen = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert seen == [2]
    assert threads_and_name(torch.zeros(1)) == 1


def test_nesting_does_not_wait_for_itself(two_threads):
    assert nested(torch.zeros(1)) == 1


def test_one_worker_for_all_callers(two_threads):
    names = []
    callers = [
        threading.Thread(target=threads_and_name, args=(torch.zeros(1),), kwargs={"names": names})
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(names) == 8
    assert len(set(names)) == 1


def test_stays_in_the_caller_where_there_is_one_thread_or_another_device(two_threads):
    names = []
    threads_and_name(torch.zeros(1, device="meta"), names=names)
    torch.set_num_threads(1)
    threads_and_name(torch.zeros(1), names=names)
    assert names == [threading.current_thread().name] * 2


def test_errors_arrive_as_they_were_raised(two_threads):
    with pytest.raises(KeyError, match="as it was raised"):
        failing(torch.zeros(1))


def test_no_gradients(two_threads):
    double = on_one_core(lambda x: x * 2)
    assert not double(torch.ones(1, requires_grad=True)).requires_grad
    assert torch.is_grad_enabled()


def test_results_made_of_inference_tensors_may_be_edited_outside(two_threads):
    double = on_one_core(lambda x: x * 2)
    with torch.inference_mode():
        x = torch.ones(1)
        out = double(x)
        x.copy_(out)
    assert x == 2
    out += 1


def threads_after_some_work():
    torch.ones(400_000).mul(2).sum()
    torch.ones(300, 300) @ torch.ones(300, 300)
    return torch.get_num_threads()


def test_anything_can_run_there_and_the_first_call_leaves_the_default_alone_too(two_threads):
    one_core._worker.cache_clear()
    assert [run_on_one_core(threads_after_some_work) for _ in range(2)] == [1, 1]
    assert threads_after_some_work() == 2
    seen = []
    other = threading.Thread(target=lambda: seen.append(threads_after_some_work()))
    other.start()
    other.join()
    assert seen == [2]


def test_errors_come_back(two_threads):
    with pytest.raises(ZeroDivisionError):
        run_on_one_core(lambda: 1 // 0)
    assert run_on_one_core(lambda: 5) == 5


def test_several_threads_leave_the_default_and_the_one_core_alone(two_threads):
    torch.set_num_threads(3)
    assert run_with_threads(2, threads_after_some_work) == 2
    assert run_on_one_core(threads_after_some_work) == 1
    assert threads_after_some_work() == 3
    with pytest.raises(ZeroDivisionError):
        run_with_threads(2, lambda: 1 // 0)


@pytest.mark.parametrize(
    ("running", "cores", "allowed", "threads"),
    [
        (0, 2, 2, 2),  # all is quiet
        (1, 2, 2, 1),  # one program runs on one of two cores
        (5, 2, 2, 1),  # more programs than cores
        (3, 16, 8, 8),  # no more than torch would use
        (10, 16, 8, 6),
        (0, 1.5, 8, 1),  # a container's share
        (0.4, 8, 8, 7),  # an average of the last minute
        (float("inf"), 8, 8, 1),  # nobody knows
    ],
)
def test_threads_are_as_many_as_idle_cores(running, cores, allowed, threads):
    assert threads_beside(running, cores, allowed) == threads


def test_idle_threads_are_read_from_what_runs_now(two_threads, monkeypatch, tmp_path):
    monkeypatch.setattr(one_core, "_cores", lambda: 8)
    monkeypatch.setattr(one_core, "_RUNNING", tmp_path / "loadavg")
    torch.set_num_threads(8)
    one_core._RUNNING.write_text("0.20 0.18 0.12 4/80 11206\n", encoding="utf-8")
    assert idle_threads() == 5
    one_core._RUNNING.write_text("0.20 0.18 0.12 40/80 11206\n", encoding="utf-8")
    assert idle_threads() == 1


def test_a_share_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(one_core, "_QUOTA", tmp_path / "cpu.max")
    one_core._QUOTA.write_text("max 100000\n", encoding="utf-8")
    bound = one_core._cores()
    assert bound >= 1
    one_core._QUOTA.write_text("50000 100000\n", encoding="utf-8")
    assert one_core._cores() == 0.5


def names_of(count):
    def name():
        return threading.current_thread().name, torch.get_num_threads(), torch.is_grad_enabled()

    return run_each([name for _ in range(count)])


def test_independent_calls_run_side_by_side_undivided_and_in_order(two_threads):
    seen = run_on_one_core(lambda: names_of(5))
    assert seen == [*seen[:2], *seen[:2], seen[0]]
    assert len(set(seen)) == 2
    assert {(threads, gradients) for _, threads, gradients in seen} == {(1, False)}
    assert torch.get_num_threads() == 2
    assert run_on_one_core(lambda: run_each([lambda i=i: i for i in range(5)])) == [0, 1, 2, 3, 4]
    assert run_each([]) == []


def test_errors_of_calls_side_by_side_come_back(two_threads):
    with pytest.raises(ZeroDivisionError):
        run_on_one_core(lambda: run_each([lambda: 1, lambda: 1 // 0]))

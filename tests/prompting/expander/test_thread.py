from __future__ import annotations

import threading

import pytest
import torch

from fooocus_ext.prompting.expander.thread import on_one_core

THREADS = 3


@pytest.fixture(autouse=True)
def _several_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def count_after_some_work() -> int:
    torch.ones(400_000).mul(2).sum()
    torch.ones(300, 300) @ torch.ones(300, 300)
    return torch.get_num_threads()


def count_in_a_new_thread() -> int:
    found = []
    thread = threading.Thread(target=lambda: found.append(count_after_some_work()))
    thread.start()
    thread.join()
    return found[0]


def test_one_core_there_and_as_many_as_before_elsewhere():
    assert [on_one_core(count_after_some_work) for _ in range(2)] == [1, 1]
    assert count_after_some_work() == THREADS
    assert count_in_a_new_thread() == THREADS


def test_the_first_call_leaves_the_default_alone_too():
    from fooocus_ext.prompting.expander import thread

    thread._worker.cache_clear()
    assert on_one_core(count_after_some_work) == 1
    assert count_in_a_new_thread() == THREADS


def test_errors_come_back():
    with pytest.raises(ZeroDivisionError):
        on_one_core(lambda: 1 // 0)
    assert on_one_core(lambda: 5) == 5

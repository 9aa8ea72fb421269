"""Results are kept for a reloaded page, those in memory for a short while only."""

from __future__ import annotations

from fooocus_ext.tab.results import Result, Results

STORED = Result(pictures=["a.png"])
IN_MEMORY = Result(pictures=["data:image/png;base64,"])


def test_a_result_is_found_until_many_others_came():
    results = Results()
    for number in range(17):
        results.keep(str(number), STORED)
    assert results.find("0") is None
    assert results.find("1") is results.find("16") is STORED


def test_only_two_results_keep_their_pictures_in_memory():
    results = Results()
    results.keep("stored", STORED)
    for number in range(3):
        results.keep(str(number), IN_MEMORY)
    assert results.find("0") is None
    assert results.find("1") is results.find("2") is IN_MEMORY
    assert results.find("stored") is STORED


def test_a_job_is_stopped_before_it_begins_and_only_once():
    results = Results()
    assert not results.take_cancelled("a")
    results.cancel("a")
    assert results.take_cancelled("a")
    assert not results.take_cancelled("a")


def test_of_many_jobs_that_never_began_the_oldest_are_forgotten():
    results = Results()
    for number in range(17):
        results.cancel(str(number))
    assert not results.take_cancelled("0")
    assert results.take_cancelled("1")

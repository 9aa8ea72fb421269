"""What may happen to jobs: they wait, run, are moved, fail, are repeated, and survive the server's end."""

from __future__ import annotations

import pytest

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue import queue as module
from fooocus_ext.job_queue.jobs import Announced, Made
from fooocus_ext.job_queue.queue import ABSENCE_SECONDS, MOST_OPEN
from fooocus_ext.job_queue.shown import MOST_PICTURES
from tests.job_queue.server import OTHER, WINDOW, picture


def test_jobs_run_in_the_order_in_which_they_were_added(server):
    for name in "abc":
        server.add(name, OTHER if name == "b" else WINDOW)
    assert server.queue.view(WINDOW).places == {"a": 1, "c": 3}
    assert server.queue.view(OTHER).places == {"b": 2}
    assert [server.run() for _ in range(3)] == ["a", "b", "c"]
    assert server.queue.take() is None
    assert server.shown() == ["a-0.png", "c-0.png"]


def test_the_same_job_is_added_once_and_too_many_are_refused(server):
    server.add("a")
    with pytest.raises(RequestError, match="already"):
        server.add("a")
    for number in range(MOST_OPEN - 1):
        server.add(str(number))
    with pytest.raises(RequestError, match=f"{MOST_OPEN} jobs are waiting"):
        server.add("b")


def test_a_moved_job_changes_places_with_its_own_windows_jobs_alone(server):
    for name, window in (("a", WINDOW), ("x", OTHER), ("b", WINDOW), ("c", WINDOW), ("y", OTHER)):
        server.add(name, window)
    server.queue.move(WINDOW, "c", "a")
    assert server.queue.view(WINDOW).places == {"c": 1, "a": 3, "b": 4}
    assert server.queue.view(OTHER).places == {"x": 2, "y": 5}
    server.queue.move(WINDOW, "c", None)
    server.restart()
    assert [server.run() for _ in range(5)] == ["a", "x", "b", "c", "y"]


@pytest.mark.parametrize(
    ("job", "before"), [("a", "b"), ("b", "a"), ("x", "b"), ("b", "x"), ("gone", None)]
)
def test_only_own_jobs_that_wait_are_moved(server, job, before):
    for name in "abc":
        server.add(name)
    server.add("x", OTHER)
    server.queue.take()
    with pytest.raises(RequestError):
        server.queue.move(WINDOW, job, before)


def test_a_waiting_job_is_removed_and_a_running_or_foreign_one_is_not(server):
    for name in "abc":
        server.add(name)
    server.queue.take()
    server.queue.remove(WINDOW, "b")
    for window, job in ((WINDOW, "a"), (OTHER, "c"), (WINDOW, "b")):
        with pytest.raises(RequestError):
            server.queue.remove(window, job)
    server.restart()
    assert server.waiting() == ["a", "c"]


def test_a_job_goes_on_after_a_restart_with_the_picture_that_is_missing(server):
    server.add("a", image_number=3, source=b"pixels")
    server.add("b")
    server.queue.take()
    server.queue.picture_made("a", picture("a", 0))
    server.queue.skipped("a", 1)
    server.queue.announce("a", Announced(picture("a", 2), {"time": "now"}))
    server.restart()
    (job,) = server.queue.unsettled()
    assert (job.id, job.state, job.next_index) == ("a", "waiting", 2)
    assert job.announced == Announced(picture("a", 2), {"time": "now"})
    assert server.source("a") == b"pixels"
    assert server.queue.take().id == "a"
    server.queue.withdraw("a")
    assert server.queue.unsettled() == []
    server.queue.picture_made("a", picture("a", 2))
    server.queue.finish("a", comments="", seconds=1, stopped=False)
    assert server.shown() == ["a-0.png", "a-2.png"]
    server.restart()
    assert server.shown() == ["a-0.png", "a-2.png"]
    assert server.run() == "b"


def test_private_jobs_run_in_turn_and_are_on_no_disk(server):
    server.add("a")
    server.add("secret", private=True, source=b"secret pixels")
    assert server.source("secret") == b"secret pixels"
    server.run()
    job = server.queue.take()
    made = Made(0, None, "secret text", 5)
    server.queue.picture_made(job.id, made, b"picture")
    server.queue.picture_made(job.id, made, b"as it is in the end")
    server.queue.finish(job.id, comments="", seconds=1, stopped=False)
    assert server.queue.picture(WINDOW, "secret", 0) == b"as it is in the end"
    assert server.pictures() == []
    assert b"secret" not in b"".join(f.read_bytes() for f in server.folder.iterdir())
    server.add("secret as well", private=True)
    server.restart()
    assert server.waiting() == []
    assert server.shown() == ["a-0.png"]


def test_removed_prompts_leave_no_trace_on_disk(server):
    server.add("a", comments="a prompt that nobody is to see")
    server.queue.remove(WINDOW, "a")
    assert all(b"nobody is to see" not in file.read_bytes() for file in server.folder.iterdir())


def test_an_unsaved_picture_is_kept_and_made_anew_when_the_job_is_tried_again(server):
    server.add("a", image_number=2)
    server.queue.take()
    server.queue.picture_made("a", picture("a", 0))
    server.queue.picture_made("a", Made(1, None, "Steps: 1", 6), b"picture")
    server.queue.fail("a", "The disk is full.")
    (failed,) = server.queue.view(WINDOW).jobs
    assert (failed.state, failed.error) == ("failed", "The disk is full.")
    assert server.queue.take() is None
    assert server.queue.picture(WINDOW, "a", 1) == b"picture"
    with pytest.raises(RequestError):
        server.queue.picture(OTHER, "a", 1)
    server.queue.retry(WINDOW, "a")
    assert server.queue.now("a").next_index == 1
    assert server.run() == "a"
    assert server.shown() == ["a-0.png", "a-1.png"]


def test_what_is_not_wanted_any_more_keeps_its_pictures(server):
    server.add("a", image_number=2)
    server.add("b")
    server.queue.take()
    server.queue.picture_made("a", Made(0, None, "", 5), b"picture")
    server.queue.fail("a", "The disk is full.")
    server.queue.clear(WINDOW)
    assert server.queue.view(WINDOW).jobs == ()
    assert server.queue.picture(WINDOW, "a", 0) == b"picture"
    assert server.shown() == [None]


@pytest.mark.parametrize("names", ["a", "b", "ab"])
def test_pictures_are_forgotten_once_when_jobs_are_discarded(server, monkeypatch, names):
    for name in names:  # one that has made a picture, and one that has not
        server.add(name, source=b"start", image_number=2)
    if "a" in names:
        server.queue.take()
        server.queue.picture_made("a", picture("a", 0))
        server.queue.fail("a", "The disk is full.")
    forgotten = []
    forget = server.store.pictures.forget_others
    monkeypatch.setattr(
        server.store.pictures, "forget_others", lambda needed: forgotten.append(forget(needed))
    )
    server.queue.clear(WINDOW)
    assert (len(forgotten), server.pictures()) == (1, [])


def test_every_job_of_a_full_queue_can_fail_and_be_tried_again(server):
    names = [str(number) for number in range(MOST_OPEN)]
    for name in names:
        server.add(name, private=True)  # faster
    while job := server.queue.take():
        server.queue.fail(job.id, "The disk is full.")
    assert [job.id for job in server.queue.view(WINDOW).jobs] == names


def test_a_failed_job_waits_behind_all_others_when_it_is_tried_again(server):
    for name in "ab":
        server.add(name)
    server.queue.take()
    server.queue.fail("a", "no memory")
    with pytest.raises(RequestError):
        server.queue.retry(WINDOW, "b")
    server.queue.retry(WINDOW, "a")
    assert server.waiting() == ["b", "a"]


def test_a_failed_job_shows_its_pictures_when_it_is_tried_again_after_a_newer_run(server):
    server.add("a")
    server.queue.take()
    server.queue.fail("a", "no memory")
    server.add("b")
    server.run()
    assert server.shown() == ["b-0.png"]
    server.queue.retry(WINDOW, "a")
    server.add("c")
    assert [server.run(), server.run()] == ["a", "c"]
    assert server.shown() == ["b-0.png", "a-0.png", "c-0.png"]


def test_a_job_that_is_tried_again_takes_nothing_from_the_page_until_it_has_a_picture(server):
    server.add("a", image_number=2)
    server.queue.take()
    server.queue.picture_made("a", picture("a", 0))
    server.queue.fail("a", "no memory")
    server.add("b")
    server.run()
    server.queue.retry(WINDOW, "a")
    assert server.shown() == ["b-0.png"]
    server.queue.take()
    server.queue.fail("a", "no memory")
    assert server.shown() == ["b-0.png"]
    server.queue.retry(WINDOW, "a")
    server.run()
    assert server.shown() == ["b-0.png", "a-0.png", "a-1.png"]


def test_a_failed_job_of_the_newest_run_is_tried_again_beside_the_pictures_of_that_run(server):
    server.add("a")
    server.add("b")
    server.run()
    server.queue.take()
    server.queue.fail("b", "no memory")
    server.queue.retry(WINDOW, "b")
    assert server.run() == "b"
    assert server.shown() == ["a-0.png", "b-0.png"]


def test_no_more_jobs_wait_for_another_try_than_may_be_added(server, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    server.add("a")
    server.queue.take()
    server.queue.fail("a", "no memory")
    server.add("b")
    server.add("c", OTHER)
    with pytest.raises(RequestError, match="2 jobs are waiting"):
        server.queue.retry(WINDOW, "a")
    assert server.queue.now("a").state == "failed"
    server.queue.remove(WINDOW, "b")
    server.queue.retry(WINDOW, "a")


def test_a_new_run_replaces_the_pictures_when_it_has_one(server):
    server.add("a")
    server.add("b")
    server.run()
    server.run()
    server.add("c", image_number=2)
    server.queue.take()
    assert server.shown() == ["a-0.png", "b-0.png"]
    server.queue.picture_made("c", picture("c", 0))
    assert server.shown() == ["c-0.png"]
    assert server.shown(intermediate=False) == ["a-0.png", "b-0.png"]
    server.queue.finish("c", comments="", seconds=1, stopped=False)
    assert server.shown(intermediate=False) == ["c-0.png"]


def test_without_intermediate_results_the_pictures_come_when_the_job_ends(server):
    server.add("a", image_number=2)
    server.queue.take()
    server.queue.picture_made("a", picture("a", 0))
    assert server.shown() == ["a-0.png"]
    assert server.shown(intermediate=False) == []
    server.queue.picture_made("a", picture("a", 1))
    server.queue.finish("a", comments="", seconds=1, stopped=False)
    assert server.shown(intermediate=False) == ["a-0.png", "a-1.png"]


def test_the_version_changes_with_every_picture_and_every_end(server):
    def version():
        return server.queue.view(WINDOW).version

    assert version() == ""
    server.add("a")
    server.queue.take()
    assert version() == ""
    server.queue.picture_made("a", picture("a", 0))
    versions = [version()]
    server.queue.finish("a", comments="", seconds=1, stopped=False)
    versions.append(version())
    server.restart()
    versions.append(version())
    assert len(set(versions)) == 3
    assert "" not in versions


def test_of_many_pictures_the_newest_jobs_are_shown(server):
    for number in range(MOST_PICTURES + 10):
        server.add(str(number))
        server.add(f"{number}-and-on")  # always one that waits: it is all one run
        server.run()
    assert len(server.shown()) == MOST_PICTURES
    server.run()
    assert len(server.shown()) == MOST_PICTURES


def test_pictures_in_memory_are_bounded(server, monkeypatch):
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 2)
    for name in "abc":
        server.add(name, private=True)
    for name in "abc":
        server.queue.take()
        server.queue.picture_made(name, Made(0, None, "", 5), name.encode())
        server.queue.finish(name, comments="", seconds=1, stopped=False)
    assert [job.id for job in server.queue.shown(WINDOW)] == ["b", "c"]
    assert server.queue.picture(WINDOW, "c", 0) == b"c"


def test_only_so_many_idle_windows_are_remembered(server):
    for number in range(30):
        server.add(f"job {number}", f"window {number}")
        server.run()
    assert server.shown("window 0") == []
    assert server.shown("window 29") == ["job 29-0.png"]


def test_what_closed_windows_left_to_be_repeated_goes_with_them(server):
    server.add("waits", "a window that waits")
    for number in range(30):
        server.add(f"job {number}", f"window {number}", forever=True)
    for _ in range(31):
        server.run()
    server.add("last", "another window")
    assert server.queue.view("window 0").jobs == ()
    assert len(server.queue.view("window 29").jobs) == 1
    assert server.shown("a window that waits") == []
    assert server.queue.view("another window").open_jobs < 20


# ---- forever ----


def test_a_repeated_job_gets_other_seeds_until_it_is_stopped(server):
    server.add("a", image_number=2, forever=True)
    server.queue.view(WINDOW)
    server.run()
    (again,) = server.queue.view(WINDOW).jobs
    assert (again.seed, again.repeats, again.forever, again.made) == (7, True, True, ())
    server.run(stopped=True)
    assert server.queue.view(WINDOW).jobs == ()


def test_a_repeated_job_with_an_open_seed_draws_one(server, monkeypatch):
    monkeypatch.setattr("fooocus_ext.job_queue.jobs.draw_seed", lambda: 77)
    server.add("a", forever=True, draws_seed=True, source=b"pixels")
    server.run()
    (again,) = server.queue.view(WINDOW).jobs
    assert again.seed == 77
    assert server.source(again.id) == b"pixels"


def test_the_last_job_of_a_window_is_the_one_that_is_repeated(server):
    server.add("a", forever=True)
    server.add("b", forever=True)
    assert [job.forever for job in server.queue.view(WINDOW).jobs] == [False, True]
    server.queue.repeat(WINDOW, forever=False)
    assert not server.queue.view(WINDOW).forever
    server.queue.repeat(WINDOW, forever=True)
    assert [job.forever for job in server.queue.view(WINDOW).jobs] == [False, True]
    server.queue.clear(WINDOW)
    assert server.queue.view(WINDOW).jobs == ()


def test_only_what_changes_is_written(server, monkeypatch):
    server.add("a", forever=True)
    server.add("b")
    written = []
    monkeypatch.setattr(server.store, "commit", lambda change, **_how: written.append(change))
    server.queue.repeat(WINDOW, forever=True)
    assert [[job.id for job in change.saved] for change in written] == [["b"]]
    server.queue.repeat(WINDOW, forever=True)
    assert [job.id for change in written[1:] for job in change.saved] == []


def test_repetitions_wait_for_a_window_that_is_closed_and_other_jobs_do_not(server):
    server.add("a", forever=True)
    server.queue.view(WINDOW)
    server.run()
    server.clock.now += ABSENCE_SECONDS + 1
    assert not server.queue.wait(0)
    server.add("b", OTHER)
    assert server.queue.take().id == "b"
    server.queue.finish("b", comments="", seconds=1, stopped=False)
    server.restart()
    assert server.queue.take() is None
    server.queue.view(WINDOW)
    assert server.queue.wait(0)
    assert server.queue.take().repeats

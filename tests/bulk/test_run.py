"""A whole list on webuis of bad character, whose driver is killed: each picture is made and recorded once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from bulk import inspect_folder
from bulk.journal import Folder
from tests.bulk.stubs import (
    ENVIRONMENT,
    ROOT,
    bulk,
    command,
    journal,
    made_by_stubs,
    start_bulk,
    stubs,
    wait_for_records,
    write_list,
)

WINDOW = 2
COUNT = 600
REPEATS = 20
UNLUCKY = 666_013
POISON = ["poison 1", "poison 2", "poison 3", "poison 4"]


@pytest.fixture
def listing(tmp_path):
    """600 requests, 4 that no webui can make, one that each refuses, and 20 that were there before."""
    plain = [{"prompt": f"picture {i}", "seed": 1000 + i, "steps": 2} for i in range(COUNT)]
    poison = [{"prompt": prompt, "seed": 5} for prompt in POISON]
    refused = [{"prompt": "an unlucky one", "seed": UNLUCKY}]
    return write_list(tmp_path / "list.jsonl", [*plain, *poison, *refused, *plain[:REPEATS]])


def assert_whole(out, expected: int, failed: int) -> None:
    """Assert that a folder has one record for each picture, and that all of it is as it should be."""
    records = journal(out)
    assert Counter(record["key"] for record in records).most_common(1)[0][1] == 1
    states = Counter(record["status"] for record in records)
    assert states == {"done": expected, **({"failed": failed} if failed else {})}
    assert inspect_folder.verify(Folder(out)).problems == []


def test_whatever_happens_each_picture_is_recorded_once(tmp_path, listing):
    habits = {"poison": POISON, "seconds": 0.01}
    characters = (
        habits,
        {**habits, "seconds": 0.1},
        {**habits, "flaky": 0.1, "odd": 0.02},
        {**habits, "starting": 5},
    )
    out, log = tmp_path / "out", tmp_path / "log.txt"
    with stubs(tmp_path / "made", *characters) as running:
        words = command(listing, out, running, "--no-ray", "--max-failures", "10")
        for records in (60, 180):
            driver = start_bulk(words, log)
            wait_for_records(out, records, driver)
            driver.kill()
            driver.wait()
        killer = [sys.executable, str(ROOT / "tests/bulk/killed_driver.py"), "60", *words[3:]]
        assert subprocess.run(killer, env=ENVIRONMENT, check=False, timeout=60).returncode == 9
        driver = start_bulk(words, log)
        wait_for_records(out, 330, driver)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(timeout=30) == 3
        assert len(journal(out)) < COUNT
        done = bulk(listing, out, running, "--max-failures", "10")
        assert done.returncode == 1, done.stderr
        assert_whole(out, COUNT, failed=len(POISON) + 1)
        made = made_by_stubs(tmp_path / "made")
        odd_answers = 0.02 * COUNT * 3
        surplus = made.total() - len(made)
        assert surplus <= 3 * len(running) * WINDOW + odd_answers
        assert set(made) == {f"picture {i}|{1000 + i}" for i in range(COUNT)}
        begun = time.monotonic()
        again = bulk(listing, out, running)
        assert time.monotonic() - begun < 10
        assert again.returncode == 1
        assert made_by_stubs(tmp_path / "made") == made


def test_records_say_what_happened(tmp_path, listing):
    with stubs(tmp_path / "made", {"poison": POISON}) as running:
        assert bulk(listing, tmp_path / "out", running, "--max-failures", "10").returncode == 1
    by_prompt = {record["request"]["prompt"]: record for record in journal(tmp_path / "out")}
    first = by_prompt["picture 0"]
    assert first["lines"] == [1, COUNT + len(POISON) + 2]
    assert first["infotext"].startswith("picture 0\n")
    assert by_prompt["an unlucky one"]["error"] == {
        "http": 422,
        "reason": "refused: seed: got 666013 (number); allowed: a luckier one.",
    }
    poison = by_prompt["poison 1"]
    assert (poison["attempt"], poison["error"]["http"]) == (3, 500)
    assert "CUDA out of memory" in poison["error"]["reason"]
    status = json.loads((tmp_path / "out/status.json").read_text(encoding="utf-8"))
    assert (status["done"], status["failed"], status["left"]) == (COUNT, len(POISON) + 1, 0)


def test_a_request_that_breaks_every_connection_fails_at_last(tmp_path):
    listing = write_list(
        tmp_path / "list.jsonl", [{"prompt": "killer", "seed": 1}, {"prompt": "good", "seed": 2}]
    )
    habits = {"killers": ["killer"]}
    with stubs(tmp_path / "made", habits, habits) as running:
        done = bulk(listing, tmp_path / "out", running, "--max-failures", "10")
    assert done.returncode == 1, done.stderr
    states = {record["request"]["prompt"]: record["status"] for record in journal(tmp_path / "out")}
    assert states == {"killer": "failed", "good": "done"}


def test_what_a_slow_webui_holds_at_the_end_is_repeated_on_an_idle_one(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": i} for i in range(12)]
    slow = {"slow": {f"picture {i}": 60.0 for i in range(12)}}
    with stubs(tmp_path / "made", slow, {}) as running:
        begun = time.monotonic()
        done = bulk(write_list(tmp_path / "list.jsonl", requests), tmp_path / "out", running)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - begun < 30
    assert {record["host"] for record in journal(tmp_path / "out")} == {running[1].url}


def test_too_many_failures_stop_the_run_and_retry_failed_tries_them_again(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": UNLUCKY} for i in range(30)]
    listing, out = write_list(tmp_path / "list.jsonl", requests), tmp_path / "out"
    with stubs(tmp_path / "made", {"seconds": 0.02}) as running:
        done = bulk(listing, out, running, "--max-failures", "10%")
        assert done.returncode == 3
        assert 3 < len(journal(out)) < 30
        done = bulk(listing, out, running, "--max-failures", "100%", "--retry-failed")
        assert done.returncode == 1
    assert len(journal(out)) == 30


def test_a_second_driver_is_refused(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": i} for i in range(100)]
    listing, out = write_list(tmp_path / "list.jsonl", requests), tmp_path / "out"
    with stubs(tmp_path / "made", {"seconds": 0.2}) as running:
        driver = start_bulk(command(listing, out, running, "--no-ray"), tmp_path / "log.txt")
        try:
            wait_for_records(out, 1, driver)
            second = bulk(listing, out, running)
        finally:
            driver.kill()
            driver.wait()
    assert second.returncode == 2
    assert "another run works in this folder" in second.stderr


def test_a_list_is_checked_whole_before_the_first_picture(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": i} for i in range(3000)]
    requests[17]["height"] = -64
    requests[2998]["fooocus"] = {"sharpnes": 2}
    listing = write_list(tmp_path / "list.jsonl", requests)
    with stubs(tmp_path / "made", {}) as running:
        done = bulk(listing, tmp_path / "out", running)
    assert done.returncode == 2
    assert (
        "line 18: height: got -64 (number); allowed: a whole number from 8 to 16384." in done.stderr
    )
    assert 'line 2999: Fooocus: "sharpnes" is not a Fooocus argument' in done.stderr
    assert made_by_stubs(tmp_path / "made").total() == 0


def test_names_that_no_webui_has_are_wrong_lines(tmp_path):
    requests = [{"prompt": "a", "sampler_name": "Euler"}, {"prompt": "b", "sampler_name": "Eulre"}]
    requests += [{"prompt": "c", "fooocus": {"styles": ["Cinematic Default"]}}]
    requests += [{"prompt": "d", "override_settings": {"sd_model_checkpoint": "nowhere"}}]
    with stubs(tmp_path / "made", {}, {}) as running:
        done = bulk(write_list(tmp_path / "list.jsonl", requests), tmp_path / "out", running)
    assert done.returncode == 2
    wrong = [line for line in done.stderr.splitlines() if line.startswith("line ")]
    assert wrong == [
        'line 2: sampler "Eulre": no webui has it.',
        'line 4: checkpoint "nowhere": no webui has it.',
    ]


def test_a_checkpoint_that_is_not_there_is_refused_before_a_webui_is_started(tmp_path):
    listing, missing = write_list(tmp_path / "list.jsonl", [{"prompt": "a"}]), tmp_path / "x.ckpt"
    spawned = ["--spawn", "1", "--python", "/bin/false", "--checkpoint", str(missing)]
    done = bulk(listing, tmp_path / "out", [], "--patience", "1", *spawned)
    said = f"dev.py bulk: --checkpoint: got {missing}; there is no such file."
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, said)


def test_ctrl_c_while_the_list_is_checked_is_an_end_as_any_other(tmp_path):
    requests = [{"prompt": "p", "seed": i} for i in range(100_000)]
    listing, out = write_list(tmp_path / "list.jsonl", requests), tmp_path / "out"
    log = tmp_path / "log.txt"
    nobody = ["--no-ray", "--webui", "http://127.0.0.1:9"]
    driver = start_bulk(command(listing, out, [], *nobody), log)
    while not (out / "plan.sqlite").exists():
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=30) == 3
    assert log.read_text(encoding="utf-8") == "dev.py bulk: stopped. The same command goes on.\n"

"""Real pictures on embedded webuis that the run starts, one of which is killed, and then the driver."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from tests.bulk.stubs import bulk, command, journal, start_bulk, wait_for_records, write_list
from tests.bulk.test_run import assert_whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COUNT = 24
START_SECONDS = 240


@pytest.fixture
def listing(tmp_path):
    small = {"width": 64, "height": 64, "steps": 2, "fooocus": {"expansion": False}}
    requests = [{"prompt": f"a boat on the sea, number {i}", **small} for i in range(COUNT)]
    return write_list(tmp_path / "list.jsonl", requests)


def webuis_of(driver: subprocess.Popen) -> list[psutil.Process]:
    below = psutil.Process(driver.pid).children(recursive=True)
    return [process for process in below if "with_parent.py" in " ".join(process.cmdline())]


def test_killed_webuis_and_drivers_lose_nothing_and_the_pixels_are_one_webuis(tmp_path, listing):
    alone = bulk(listing, tmp_path / "alone", [], "--spawn", "1", timeout=START_SECONDS)
    assert alone.returncode == 0, alone.stderr
    out, log = tmp_path / "out", tmp_path / "log.txt"
    words = command(listing, out, [], "--no-ray", "--spawn", "2")
    driver = start_bulk(words, log)
    wait_for_records(out, 4, driver, START_SECONDS)
    webuis_of(driver)[0].kill()
    wait_for_records(out, 10, driver, START_SECONDS)
    webuis = webuis_of(driver)
    driver.kill()
    driver.wait()
    _gone, alive = psutil.wait_procs(webuis, timeout=30)
    assert alive == [], "a webui has outlived the driver that had started it"
    driver = start_bulk(words, log)
    assert driver.wait(timeout=START_SECONDS) == 0, log.read_text(
        errors="replace", encoding="utf-8"
    )[-3000:]
    assert_whole(out, COUNT, failed=0)
    pixels = [
        {record["key"]: record["pixels_sha256"] for record in journal(folder)}
        for folder in (out, tmp_path / "alone")
    ]
    assert pixels[0] == pixels[1]

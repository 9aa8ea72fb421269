"""Ray's actors: one is killed, their node is killed, the driver is killed, a node of a cluster is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time

import psutil
import pytest

from bulk.ports import free_port
from tests.bulk.stubs import (
    BULK_PYTHON,
    ENVIRONMENT,
    command,
    journal,
    made_by_stubs,
    start_bulk,
    stubs,
    wait_for_records,
    write_list,
)
from tests.bulk.test_run import WINDOW, assert_whole

RAY = BULK_PYTHON.with_name("ray")
RAY_SECONDS = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not RAY.exists(), reason="there is no Ray: the first `python dev.py bulk` brings it"
    ),
]


def kill_below(driver: subprocess.Popen, what: str) -> None:
    """Kill a process of Ray's that a driver has started, directly or not."""
    found = [
        process
        for process in psutil.Process(driver.pid).children(recursive=True)
        if re.search(what, " ".join(process.cmdline()))
    ]
    assert found, f"{what} does not run"
    found[0].kill()


@pytest.fixture
def listing(tmp_path):
    requests = [{"prompt": f"picture {i}", "seed": i, "steps": 2} for i in range(400)]
    return write_list(tmp_path / "list.jsonl", requests)


@pytest.fixture
def short_folder():
    """A folder below which the paths of Ray's sockets are no longer than the system allows."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def test_actor_node_and_driver_may_be_killed(tmp_path, listing):
    out, log = tmp_path / "out", tmp_path / "log.txt"
    with stubs(tmp_path / "made", *[{"seconds": 0.1}] * 3) as running:
        words = command(listing, out, running, python=BULK_PYTHON)
        driver = start_bulk(words, log)
        wait_for_records(out, 40, driver, RAY_SECONDS)
        kill_below(driver, "ray::Worker")
        wait_for_records(out, 100, driver, RAY_SECONDS)
        driver.kill()
        driver.wait()
        driver = start_bulk(words, log)
        wait_for_records(out, 160, driver, RAY_SECONDS)
        kill_below(driver, "raylet/raylet")
        wait_for_records(out, 300, driver, RAY_SECONDS)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(timeout=RAY_SECONDS) == 3, log.read_text(
            errors="replace", encoding="utf-8"
        )[-3000:]
        driver = start_bulk(words, log)
        assert driver.wait(timeout=RAY_SECONDS) == 0, log.read_text(
            errors="replace", encoding="utf-8"
        )[-3000:]
    assert_whole(out, 400, failed=0)
    made = made_by_stubs(tmp_path / "made")
    assert len(made) == 400
    assert made.total() - len(made) <= 3 * len(running) * WINDOW


def test_ray_is_reached_from_this_machine_alone_and_reports_nothing(tmp_path, listing):
    with stubs(tmp_path / "made", {"seconds": 0.2}) as running:
        driver = start_bulk(
            command(listing, tmp_path / "out", running, python=BULK_PYTHON), tmp_path / "log"
        )
        try:
            wait_for_records(tmp_path / "out", 3, driver, RAY_SECONDS)
            below = psutil.Process(driver.pid).children(recursive=True)
            open_to_others = {
                (" ".join(process.cmdline())[:60], connection.laddr)
                for process in [psutil.Process(driver.pid), *below]
                for connection in process.connections("inet")
                if connection.status == psutil.CONN_LISTEN
                and not connection.laddr.ip.endswith("127.0.0.1")
            }
            helpers = [
                process for process in below if "dashboard.py" in " ".join(process.cmdline())
            ]
            reports = {process.environ()["RAY_USAGE_STATS_ENABLED"] for process in helpers}
            pages = [
                process for process in helpers if "--disable-frontend" not in process.cmdline()
            ]
        finally:
            driver.kill()
            driver.wait()
    assert open_to_others == set()
    assert pages == []
    assert reports <= {"0"}


def test_a_node_of_a_cluster_may_disappear(tmp_path, listing, short_folder):
    """Two nodes on one machine; actors of the one that goes are made anew on the one that stays."""
    out, log, port = tmp_path / "out", tmp_path / "log.txt", free_port()
    environment = {**ENVIRONMENT, "RAY_ADDRESS": "", "RAY_AUTH_MODE": "token"}
    common = [str(RAY), "start", "--block", "--num-cpus=4", "--object-store-memory=100000000"]
    common += ["--disable-usage-stats"]
    head = [*common, "--head", f"--port={port}", "--node-ip-address=127.0.0.1"]
    head += ["--include-dashboard=false", f"--temp-dir={short_folder}"]
    nodes = []
    try:
        for words in (head, [*common, f"--address=127.0.0.1:{port}"]):
            with log.open("ab") as output:
                node = subprocess.Popen(
                    words, env=environment, stdout=output, stderr=output, start_new_session=True
                )
            nodes.append(node)
            time.sleep(10)
        with stubs(tmp_path / "made", *[{"seconds": 0.1}] * 4) as running:
            words = command(listing, out, running, "--ray", f"127.0.0.1:{port}", python=BULK_PYTHON)
            driver = start_bulk(words, log)
            wait_for_records(out, 80, driver, RAY_SECONDS)
            os.killpg(nodes[1].pid, signal.SIGKILL)
            assert driver.wait(timeout=RAY_SECONDS) == 0, log.read_text(
                errors="replace", encoding="utf-8"
            )[-3000:]
    finally:
        for node in nodes:
            for process in psutil.Process(node.pid).children(recursive=True):
                process.kill()
            node.kill()
            node.wait()
    assert_whole(out, 400, failed=0)
    assert {record["host"] for record in journal(out)} == {stub.url for stub in running}

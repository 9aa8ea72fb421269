"""Starts webuis of bad character and drivers for the tests, and counts what really happened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bulk.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "FOOOCUS_BULK_AUTH"},
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
}
BULK_PYTHON = ROOT / ".venv-bulk" / "bin" / "python"
START_SECONDS = 60


@dataclass
class Stub:
    """A running stub."""

    port: int
    folder: Path
    process: subprocess.Popen
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextlib.contextmanager
def stubs(folder: Path, *habits: dict):
    """Start a stub for each of the habits; they end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    started = []
    try:
        for each in habits:
            port = free_port()
            command = [sys.executable, str(ROOT / "tests/bulk/stub.py"), str(port), str(folder)]
            process = subprocess.Popen([*command, json.dumps(each)], env=ENVIRONMENT)
            scheme = "https" if each.get("certificate") else "http"
            started.append(Stub(port, folder, process, scheme))
        for stub in started:
            wait_for_port(stub.port)
        yield started
    finally:
        for stub in started:
            stub.process.kill()
            stub.process.wait()


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


def made_by_stubs(folder: Path) -> Counter:
    """How often each request was really made, by all stubs together."""
    lines = [
        line
        for path in folder.glob("made-*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return Counter(lines)


def command(listing: Path, out: Path, running: list[Stub], *flags: str, python=sys.executable):
    webuis = [word for stub in running for word in ("--webui", stub.url)]
    return [str(python), "-m", "bulk", str(listing), "--out", str(out), *webuis, *flags]


def bulk(listing: Path, out: Path, running: list[Stub], *flags: str, timeout: float = 120):
    """Run a driver with threads to its end."""
    words = command(listing, out, running, "--no-ray", *flags)
    return subprocess.run(
        words, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=timeout
    )


def start_bulk(words: list[str], log: Path, **environment: str) -> subprocess.Popen:
    """Start a driver that is going to be killed."""
    # Where the tests run in the background of a shell, Ctrl-C is ignored, also by what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                words, env={**ENVIRONMENT, **environment}, stdout=output, stderr=output
            )
    finally:
        signal.signal(signal.SIGINT, before)


def write_list(path: Path, requests: list[dict]) -> Path:
    path.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    return path


def journal(out: Path) -> list[dict]:
    path = out / "journal.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if path.is_file()
        else []
    )


def wait_for_records(out: Path, count: int, driver: subprocess.Popen, seconds: float = 90) -> None:
    """Wait until a journal has so many lines; the driver must not have ended before."""
    deadline = time.monotonic() + seconds
    path = out / "journal.jsonl"
    while time.monotonic() < deadline:
        if path.is_file() and path.read_bytes().count(b"\n") >= count:
            return
        assert driver.poll() is None, "the driver has ended by itself"
        time.sleep(0.02)
    raise TimeoutError(f"{count} records have not come")

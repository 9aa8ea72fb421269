"""The port of a webui that is started: nobody else's now, and nobody else's while its page is built anew."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bulk import ports

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not RANGE.exists(), reason="only Linux says which ports it gives away")
def test_it_is_none_that_a_connection_may_leave_by():
    first, last = map(int, RANGE.read_text(encoding="utf-8").split())
    chosen = {ports.free_port() for _ in range(50)}
    assert not [port for port in chosen if first <= port <= last]
    assert len(chosen) > 40


def test_one_that_somebody_listens_on_is_passed_over(monkeypatch):
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, ports.free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", range(port, port + 2))
        monkeypatch.setattr(ports, "TRIES", 2)
        assert {ports.free_port() for _ in range(10)} == {port + 1}
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        monkeypatch.setattr(ports, "TRIES", 1)
        with pytest.raises(OSError, match="none of 1 ports"):
            ports.free_port()

"""A port for a webui that is started here, and that keeps it while its page is built anew."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 32_768)
"""below what systems give to outgoing connections (Linux from 32768, others from 49152), above Ray's own"""
TRIES = 100


def free_port() -> int:
    """Return a port on which nobody listens now, and that the system gives to no connection of its own.

    A port that the system has chosen (by binding 0) is one that any connection of any program may leave by
    a moment later. It is taken for as long as that lasts and a minute more: a webui that starts in between,
    or closes its server to build the page anew, ends with "address already in use".

    Raises:
        OSError: none of those tried is free.
    """
    chance = random.SystemRandom()  # two programs that look at the same time do not find the same
    for port in chance.sample(PORTS, TRIES):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"none of {TRIES} ports tried from {PORTS.start} to {PORTS.stop - 1} is free")

"""What comes over a connection that is not as it should be."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time

import pytest

from bulk.answers import Make
from bulk.webui import Webui

HEAD = b"HTTP/1.1 200 OK\r\n"


def whole_request(connection):
    """The bytes of a request. What is left unread as a connection is closed would reset it."""
    request = connection.recv(65536)
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    head, _blank, body = request.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(body) < length:
        body += connection.recv(65536)
    return request


@contextlib.contextmanager
def answering(*parts: bytes, pause: float = 0.0):
    """Listen for one request, and answer it piece by piece; gives the address, and the request's bytes."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            with connection, contextlib.suppress(OSError):
                asked.append(whole_request(connection))
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join()


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b"Content-Length: 30\r\n\r\n", *[b"x"] * 30],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 30, b"0\r\n\r\n"],
    ],
)
def test_a_body_that_trickles_has_the_time_of_any_other(parts):
    with answering(*parts, pause=0.5) as (url, _asked):  # for 15 seconds
        begun = time.monotonic()
        answer = Webui(url).run(Make({}, timeout=1.5))
        assert time.monotonic() - begun < 8
    assert answer.kind == "timeout"


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([HEAD + b"Content-Length: 8\r\n\r\n", b'{"a"', b":1} "], "broken"),
        ([HEAD + b"Content-Length: 40\r\n\r\nabc"], "broken"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"], "broken"),
        ([b"HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"], "refused"),
        ([b"HTTP/1.1 500 No\r\n\r\nboom"], "error"),
    ],
)
def test_a_body_is_read_to_its_end_however_it_is_sent(parts, kind):
    with answering(*parts) as (url, _asked):
        assert Webui(url).run(Make({}, timeout=5)).kind == kind


def test_a_password_may_have_any_letters():
    with answering(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") as (url, asked):
        assert Webui(url, "ann:пароль").run(Make({}, timeout=5)).kind == "forbidden"
    assert b"Authorization: Basic YW5uOtC/0LDRgNC+0LvRjA==\r\n" in asked[0]

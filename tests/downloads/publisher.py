"""A server that publishes files as badly as it is told to."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 50_000


@dataclass
class PublishedFile:
    """A file, and how it is given.

    Attributes:
        content: its bytes.
        etag: its entity tag; empty for none.
        honours_ranges: whether a Range gives a part; otherwise all of the file.
        states_length: whether an answer says how long it is.
        stated_length: what it says instead of the truth.
        breaks_after: after how many bytes each of the next answers breaks off.
        statuses: what the next requests are answered with instead.
        seconds: how long a piece takes.
        leads_to: where a request is sent on to.
        range_said: what Content-Range says instead of the truth.
        linked_sum: the X-Linked-Etag of the hub; likewise the size.
    """

    content: bytes
    etag: str = '"first"'
    honours_ranges: bool = True
    states_length: bool = True
    stated_length: int | None = None
    breaks_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    seconds: float = 0.0
    leads_to: str = ""
    range_said: str | None = None
    linked_sum: str = ""
    linked_size: int | None = None

    @property
    def sha256(self) -> str:
        """The sum of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Publisher:
    """A running server.

    Attributes:
        address: of the server.
        files: what it publishes, by the path without the leading slash.
        asked: the path and the Range of each GET.
    """

    address: str
    files: dict[str, PublishedFile] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def publish(self, path: str, content: bytes, **how: object) -> PublishedFile:
        """Publish a file, and return it so that it can be changed."""
        self.files[path] = PublishedFile(content, **how)  # type: ignore[arg-type]
        return self.files[path]

    def url(self, path: str) -> str:
        """Return the address of a file."""
        return f"{self.address}/{path}"


def weights(values: int = 50_000, *, surplus: int = 0) -> bytes:
    """Return a safetensors file of one tensor of bytes that never repeat a page; perhaps too long."""
    header = {"tensor": {"dtype": "U8", "shape": [values], "data_offsets": [0, values]}}
    text = json.dumps(header).encode()
    content = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(values // 32 + 1))
    return struct.pack("<Q", len(text)) + text + content[:values] + b"x" * surplus


class _Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self.publisher.asked.append((self.path.lstrip("/"), self.headers.get("Range")))
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        file = self.publisher.files.get(self.path.lstrip("/"))
        if file is None or file.statuses:
            self.send_error(file.statuses.pop(0) if file else 404)
            return
        if file.leads_to:
            self.send_response(302)
            self.send_header("Location", file.leads_to)
            self._state_links(file)
            self.end_headers()
            return
        first = self._first(file)
        if first > 0 and first >= len(file.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(file.content)}")
            self.end_headers()
            return
        self._give(file, first, with_body=with_body)

    def _first(self, file: PublishedFile) -> int:
        wanted = self.headers.get("Range")
        if not wanted or not file.honours_ranges:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def _state_links(self, file: PublishedFile) -> None:
        if file.linked_sum:
            self.send_header("X-Linked-Etag", f'"{file.linked_sum}"')
        if file.linked_size is not None:
            self.send_header("X-Linked-Size", str(file.linked_size))

    def _give(self, file: PublishedFile, first: int, *, with_body: bool) -> None:
        body = file.content[first:]
        self.send_response(206 if first else 200)
        if first:
            said = f"bytes {first}-{len(file.content) - 1}/{len(file.content)}"
            self.send_header("Content-Range", file.range_said or said)
        if file.etag:
            self.send_header("ETag", file.etag)
        self._state_links(file)
        if file.states_length:
            length = len(body) if file.stated_length is None else file.stated_length
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if with_body:
            self._send(
                body[: file.breaks_after.pop(0)] if file.breaks_after else body, file.seconds
            )

    def _send(self, body: bytes, seconds: float) -> None:
        try:
            for start in range(0, len(body), PIECE):
                self.wfile.write(body[start : start + PIECE])
                time.sleep(seconds)
        except OSError:
            pass  # nobody listens any more

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def publishing() -> Iterator[Publisher]:
    """Run a server."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.publisher = Publisher(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield handler.publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

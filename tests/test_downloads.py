"""Downloads: where servers lead them, what stands in their way, and how they end."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fooocus_ext import downloads
from fooocus_ext.downloads import DownloadError, RemoteFile, download

CONTENT = {"a.json": b"{}", "b.txt": b"words\n" * 500_000}
FILES = [RemoteFile(name, hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items()]


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if "/to/" in self.path:
            self.send_response(302)
            self.send_header("Location", self.server.leads_to)
            self.end_headers()
        elif "/slow/" in self.path:
            self.send_response(200)
            self.end_headers()
            for _ in range(200):
                self.wfile.write(b"w")
                time.sleep(0.05)
        elif "/files/" in self.path and name in CONTENT:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT[name])
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    httpd.address = f"http://127.0.0.1:{httpd.server_port}"
    yield httpd
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.parametrize(
    "kind", ["ftp://127.0.0.1/a", "file:///etc/passwd", "data:,x", "//", "gopher://x"]
)
def test_a_server_leads_to_no_other_protocol(server, tmp_path, kind):
    server.leads_to = kind
    with pytest.raises(DownloadError, match=r"a\.json could not be downloaded"):
        download(f"{server.address}/to", FILES, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_may_lead_to_another(server, tmp_path):
    server.leads_to = f"{server.address}/files/a.json"
    download(f"{server.address}/to", FILES[:1], tmp_path)
    assert (tmp_path / "a.json").read_bytes() == CONTENT["a.json"]


def test_files_take_their_names_together(server, tmp_path):
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(DownloadError, match="checksum"):
        download(f"{server.address}/files", [FILES[0], RemoteFile("b.txt", "0" * 64)], tmp_path)
    assert (tmp_path / "a.json").read_text() == "old"
    download(f"{server.address}/files", FILES, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def test_the_message_does_not_tell_who_answers(server, tmp_path):
    """A page could otherwise have the webui look for what runs in its network."""
    with socket.socket() as closed, socket.socket() as talks:
        closed.bind(("127.0.0.1", 0))
        talks.bind(("127.0.0.1", 0))
        talks.listen()
        threading.Thread(target=lambda: talks.accept()[0].send(b"SSH-2.0\r\n"), daemon=True).start()
        messages = set()
        for port in (closed.getsockname()[1], talks.getsockname()[1], server.server_port):
            with pytest.raises(DownloadError) as caught:
                download(f"http://127.0.0.1:{port}", FILES, tmp_path)
            messages.add(str(caught.value))
    with pytest.raises(DownloadError) as caught:
        download("http://no.such.host.invalid", FILES, tmp_path)
    assert messages == {str(caught.value)}


@pytest.mark.parametrize("name", ["a.json", "a.json.part"])
def test_a_folder_in_the_place_of_a_file(server, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(DownloadError, match="in the way"):
        download(f"{server.address}/files", FILES, tmp_path)


@pytest.mark.parametrize("leads_to", ["a file", "nowhere"])
def test_a_folder_that_is_none(server, tmp_path, leads_to):
    (tmp_path / "a file").write_text("kept")
    (tmp_path / "folder").symlink_to(tmp_path / leads_to)
    with pytest.raises(DownloadError, match="cannot be written"):
        download(f"{server.address}/files", FILES, tmp_path / "folder")
    assert (tmp_path / "a file").read_text() == "kept"


@pytest.mark.parametrize("name", ["a.json", "a.json.part"])
def test_links_in_the_place_of_a_file_are_replaced_not_followed(server, tmp_path, name):
    (tmp_path / "elsewhere").write_text("kept")
    for leads_to in ("elsewhere", "nowhere"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(tmp_path / leads_to)
        download(f"{server.address}/files", FILES[:1], tmp_path)
        assert (tmp_path / "a.json").read_bytes() == CONTENT["a.json"]
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()


def test_a_download_is_cancelled_and_gone_on_with(server, tmp_path):
    came = threading.Event()
    start = time.monotonic()
    with pytest.raises(DownloadError, match="cancelled"):
        download(
            f"{server.address}/slow",
            FILES[1:],
            tmp_path,
            progress=lambda *_: came.set(),
            is_cancelled=came.is_set,
        )
    assert time.monotonic() - start < 5
    assert (tmp_path / "b.txt.part").exists()
    assert not (tmp_path / "b.txt").exists()


def test_a_download_that_never_ends_is_ended(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_SECONDS", 0.3)
    with pytest.raises(DownloadError, match="took longer"):
        download(f"{server.address}/slow", FILES, tmp_path)

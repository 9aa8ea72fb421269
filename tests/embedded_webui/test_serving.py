"""The server: what it answers while it starts, which files it hands out, and who may reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from bulk.ports import free_port

pytestmark = pytest.mark.slow  # starts servers of its own

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
START_SECONDS = 240
UNKNOWN_SCRIPT = json.dumps({"script_name": "nobody"}).encode()
FOR_EACH_FLAGS = """
import importlib, json, sys
import embedded_webui
embedded_webui.put_webui_on_path()
from modules import cmd_args, server, shared_cmd_options
found = []
def with_each():
    for flags in json.loads(sys.argv[1]):
        cmd_args.arguments = flags
        server.cmd_opts = importlib.reload(shared_cmd_options).cmd_opts
        yield
"""
WHO_MAY_REACH = f"""{FOR_EACH_FLAGS}
for _ in with_each():
    server.warn_if_open()
    open_to_others = server.cmd_opts.webui_is_non_local
    found.append([server.address()[0], open_to_others, server.cmd_opts.disable_extension_access])
print(json.dumps(found))
"""
WHO_CAN_LISTEN = f"""{FOR_EACH_FLAGS}
for _ in with_each():
    try:
        server.check_address()
        found.append(0)
    except SystemExit as stop:
        found.append(stop.code)
print(json.dumps(found))
"""


def status(url, body=None):
    """The status of an answer, None where nobody answers."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a document, in which somebody starts the server."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "letter.txt").write_text("Dear Bob", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def started(home, tmp_path_factory):
    """(address, what a request was answered with until the API was there) of a server."""
    data = tmp_path_factory.mktemp("data")
    (data / "picture.txt").write_text("ours", encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "embedded_webui", "serve", "--port", str(port)]
    command += ["--data-dir", str(data)]
    log = home.parent / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, env=ENVIRONMENT, stdout=output, stderr=output)
    url, answers = f"http://127.0.0.1:{port}", []
    deadline = time.monotonic() + START_SECONDS
    while answers[-1:] != [422] and process.poll() is None and time.monotonic() < deadline:
        answers.append(status(f"{url}/sdapi/v1/txt2img", UNKNOWN_SCRIPT))
        time.sleep(0.02)
    assert answers[-1] == 422, log.read_text(errors="replace", encoding="utf-8")[-4000:]
    yield url, answers, data
    process.terminate()
    process.wait(timeout=30)


def test_a_request_to_a_starting_server_is_refused_or_finds_no_route(started):
    _url, answers, _data = started
    assert set(answers) <= {None, 404, 422}


@pytest.mark.parametrize("page", [(), ("--nowebui",)])
def test_a_port_in_use_is_one_sentence_that_names_the_flags(started, page, tmp_path):
    port = started[0].rpartition(":")[2]
    command = [sys.executable, "-m", "embedded_webui", "serve", "--port", port, *page]
    command += ["--data-dir", str(tmp_path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith(
        f"--host, --port: got 127.0.0.1:{port}, where nobody can listen (Address"
    )
    assert said.endswith(
        "allowed: an address of this machine, and a port from 1 to 65535 that is free"
    )
    assert "Traceback" not in done.stderr


def test_an_address_where_nobody_can_listen_is_told():
    cases = [["--port", "99999"], ["--port", "-1"], ["--host", "no-such-host.invalid"]]
    cases += [["--host", "192.0.2.1"], ["--port", str(free_port())]]
    command = [sys.executable, "-c", WHO_CAN_LISTEN, json.dumps(cases)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [2, 2, 2, 2, 0]
    assert done.stderr.count("where nobody can listen") == 4


@pytest.mark.parametrize("command", [["serve"], ["picture", "--prompt", "a boat"]])
@pytest.mark.parametrize("named", [True, False])
def test_a_data_folder_that_cannot_be_made_is_one_sentence_that_names_it(command, named, tmp_path):
    (tmp_path / "file").touch()  # as root every folder can be written to
    cache = tmp_path / "file" / "cache"
    folder = cache if named else cache / "sd-webui-fooocus" / "embedded"
    flags = ["--data-dir", str(folder)] if named else []
    done = subprocess.run(
        [sys.executable, "-m", "embedded_webui", *command, *flags],
        cwd=tmp_path,
        env={**ENVIRONMENT, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{folder} cannot be written to (Not a directory); "
        "--data-dir names another folder for models, settings and pictures\n"
    )


def test_files_of_the_folder_that_it_is_started_in_are_not_served(started, home):
    url, _answers, data = started
    for name in ("letter.txt", str(home / "letter.txt")):
        assert status(f"{url}/file={urllib.parse.quote(name)}") in {403, 404}
    assert status(f"{url}/file={urllib.parse.quote(str(data / 'picture.txt'))}") == 200


def test_whoever_opens_it_to_others_is_warned_and_the_extensions_know():
    cases = {
        (): ("127.0.0.1", False),
        ("--host", "localhost"): ("localhost", False),
        ("--host", "::1"): ("::1", False),
        ("--host", "0.0.0.0"): ("0.0.0.0", True),
        ("--host", "192.168.1.5"): ("192.168.1.5", True),
        ("--listen",): ("0.0.0.0", True),
        ("--listen", "--host", "127.0.0.1"): ("0.0.0.0", True),
        ("--server-name", "example.org"): ("example.org", True),
    }
    command = [sys.executable, "-c", WHO_MAY_REACH, json.dumps(list(cases))]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == [[name, is_open, is_open] for name, is_open in cases.values()]
    assert done.stderr.count("can be reached from other machines") == sum(
        is_open for _name, is_open in cases.values()
    )

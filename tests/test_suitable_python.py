"""What ``dev.py`` does on a machine whose Python is too old or too new: it finds another, or fetches one."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from tools.dev import suitable_python

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")

PYTHON = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
NO_PYTHON = "#!/bin/sh\nexit 127\n"


class Machine:
    """A machine of our own: its PATH, its uv and pip, and what was started in the end."""

    def __init__(self, root, monkeypatch):
        self.programs = root / "bin"
        self.folder = root / ".python"
        self.calls = root / "calls"
        self.programs.mkdir()
        self.pyenv = root / "pyenv"
        monkeypatch.setenv("PATH", f"{self.programs}:{root / 'more'}:/usr/bin:/bin")
        monkeypatch.setenv("PYENV_ROOT", str(self.pyenv))
        monkeypatch.setattr(sys, "executable", "/bin/false")  # no pip
        monkeypatch.setattr(suitable_python, "NAMES", ("python3.11-of-test", "python3.10-of-test"))
        monkeypatch.setattr(suitable_python, "FOLDER", self.folder)
        self.started = []
        monkeypatch.setattr(os, "execv", lambda _path, words: self.started.append(words))

    def install(self, name, text, folder=None):
        path = (folder or self.programs) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def uv(self, *, brings=PYTHON, knows=""):
        """A uv that knows a Python or none, and downloads ``brings``, or fails if that is empty."""
        download = (
            f"""mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.11.9-here/bin"
            cat >"$UV_PYTHON_INSTALL_DIR/cpython-3.11.9-here/bin/python3.11" <<'END'\n{brings}END
            chmod +x "$UV_PYTHON_INSTALL_DIR/cpython-3.11.9-here/bin/python3.11\""""
            if brings
            else "echo no network >&2; exit 1"
        )
        known = f"echo {knows}" if knows else "exit 2"
        return f"""#!/bin/sh
            echo "$*" >>{self.calls}
            [ "$2" = install ] && [ "$UV_PYTHON_INSTALL_BIN" != 0 ] && exit 8  # it would change ~/.local/bin
            [ "$2" = find ] && {{ [ "$UV_PYTHON_DOWNLOADS" = never ] || exit 9; {known}; exit; }}
            {download}
            """

    def run(self):
        return suitable_python.run_again("dev.py", ["run", "--prompt", "a fox"])

    def asked_of_uv(self):
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def test_a_suitable_python_on_the_machine_goes_on(machine, capsys):
    machine.install("python3.11-of-test", NO_PYTHON)  # such as pyenv's, where no version is chosen
    python = machine.install("python3.10-of-test", PYTHON)
    machine.run()
    assert machine.started == [[str(python), "dev.py", "run", "--prompt", "a fox"]]
    assert "going on with" in capsys.readouterr().err


def test_one_that_does_not_run_hides_no_other_of_its_name(machine, tmp_path):
    machine.install("python3.11-of-test", NO_PYTHON)
    python = machine.install("python3.11-of-test", PYTHON, tmp_path / "more")
    machine.run()
    assert machine.started[0][0] == str(python)


def test_one_of_pyenvs_is_found_though_no_version_is_chosen(machine):
    machine.install("python", NO_PYTHON, machine.pyenv / "versions" / "3.9.18" / "bin")
    python = machine.install("python", PYTHON, machine.pyenv / "versions" / "3.10.13" / "bin")
    machine.run()
    assert machine.started[0][0] == str(python)


def test_one_that_windows_launcher_knows_is_taken_without_a_download(machine, monkeypatch):
    """The installers of python.org register there, and put nothing on PATH unless they are asked to."""
    python = machine.install("python", PYTHON, machine.programs / "elsewhere")
    machine.install(
        "py",
        f"""#!/bin/sh
        [ "$PYTHON_MANAGER_AUTOMATIC_INSTALL" = false ] || exit 9
        [ "$1" = -3.10 ] && echo {python}""",
    )
    assert suitable_python.find() is None
    monkeypatch.setattr(suitable_python, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    assert suitable_python.find() == python


def test_one_that_uv_knows_is_taken_without_a_download(machine):
    python = machine.install("python", PYTHON, machine.programs / "elsewhere")
    machine.install("uv", machine.uv(knows=python))
    machine.run()
    assert machine.started[0][0] == str(python)
    assert machine.asked_of_uv() == ["python find --system --no-project 3.11"]


def test_uv_fetches_one_into_a_folder_of_ours_and_that_is_said_first(machine, capsys):
    machine.install("uv", machine.uv())
    machine.run()
    python = machine.folder / "cpython-3.11.9-here" / "bin" / "python3.11"
    assert machine.started[0][0] == str(python)
    told = capsys.readouterr().err
    assert told.index("30 MB from GitHub") < told.index("going on with")
    assert str(machine.folder) in told
    assert "uv itself" not in told

    machine.run()
    assert machine.started[1] == machine.started[0]
    assert machine.asked_of_uv().count("python install 3.11") == 1, "it is kept"


def test_pip_brings_uv_where_it_is_missing(machine, monkeypatch, capsys):
    pip = machine.install(
        "pip-of-test",
        f"""#!/bin/sh
        for word; do [ "$before" = --target ] && folder=$word; before=$word; done
        mkdir -p "$folder/bin"
        cat >"$folder/bin/uv" <<'WHOLE'\n{machine.uv().rstrip()}\nWHOLE
        chmod +x "$folder/bin/uv"
        """,
    )
    monkeypatch.setattr(sys, "executable", str(pip))
    machine.run()
    assert machine.started[0][0].startswith(str(machine.folder / "cpython-3.11"))
    assert "uv itself with pip" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("uv", "reason"),
    [
        ("", "pip could not install it"),
        ("fails", "uv could not download one"),
        ("broken", "does not run"),
    ],
)
def test_without_a_network_the_refusal_says_what_to_do(machine, capsys, uv, reason):
    if uv:
        machine.install("uv", machine.uv(brings="" if uv == "fails" else NO_PYTHON))
    assert machine.run() == 2
    assert machine.started == []
    told = capsys.readouterr().err
    assert reason in told
    assert "python3.11-venv" in told

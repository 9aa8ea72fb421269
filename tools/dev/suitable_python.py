"""A Python that this project can use, for a machine whose own is too old or too new.

It is looked for on the machine first. Else uv brings one into ``.python``, a folder of this repository; where
uv is missing too, pip brings uv there. Unlike the rest of tools/, this file keeps to what Python 3.8 can run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".python"
VERSIONS = ("3.11", "3.10")
WANTED = VERSIONS[0]
NAMES = tuple("python" + version for version in VERSIONS)
CHECK = "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))"

ABOUT_TO_DOWNLOAD = """\
dev.py: this is Python {version}, and the webui's packages need 3.10 or 3.11, which this machine lacks.
  Fetching Python 3.11 with uv into {folder}: 30 MB from GitHub (python-build-standalone){also}.
  Nothing outside of this folder changes; delete it when you like. Ctrl-C stops."""

FOUND = "dev.py: this is Python {version}; going on with {python}, which the webui's packages work with."

NOT_TO_BE_HAD = """\
dev.py: there is no Python 3.10 or 3.11: {reason}.
  Install one (python.org, your system's packages python3.11 and python3.11-venv, pyenv), or install uv
  (docs.astral.sh/uv) and see to a network; then run the same command again."""


class NotToBeHadError(Exception):
    """No suitable Python is here, and none could be fetched; the message says why."""


def run_again(program: str, arguments: Sequence[str]) -> int:
    """Run ``program`` with a suitable Python; return its exit status, or 2 if there is no such Python."""
    try:
        python = find() or fetch()
    except NotToBeHadError as problem:
        say(NOT_TO_BE_HAD.format(reason=problem))
        return 2
    say(FOUND.format(version=version(), python=python))
    command = [str(python), program, *arguments]
    if os.name == "nt":
        return wait_for(command)
    return os.execv(command[0], command)  # which never returns


def wait_for(command: Sequence[str], variables: Mapping[str, str] | None = None) -> int:
    """Run a command where there is no exec, leave Ctrl-C to it, and return its exit status.

    ``variables`` are its environment; None gives it that of this process.
    """
    with subprocess.Popen(command, env=variables) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def find() -> Path | None:
    """Return the first suitable Python of this machine that can make virtual environments."""
    return next((python for python in candidates() if is_suitable(python)), None)


def candidates() -> Iterator[Path]:
    """Yield the places where one may be.

    That is in any folder of PATH, pyenv's, registered with Windows, fetched before, or known to uv.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which(name, path=folder) for name in NAMES for folder in folders)
    yield from (Path(path) for path in found if path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/3.1[01].*/bin/python"), reverse=True)
    launcher = shutil.which("py")
    if launcher and os.name == "nt":
        for number in VERSIONS:
            yield from told_by(launcher, "-" + number, "-c", "import sys; print(sys.executable)")
    yield from fetched()
    uv = shutil.which("uv")
    if uv:
        yield from told_by(uv, "python", "find", "--system", "--no-project", WANTED)


def told_by(*command: str) -> Iterator[Path]:
    """Yield the path that a launcher of Pythons prints, if it knows one; it shall download none."""
    no_downloads = {"UV_PYTHON_DOWNLOADS": "never", "PYTHON_MANAGER_AUTOMATIC_INSTALL": "false"}
    told = subprocess.run(
        command, env={**os.environ, **no_downloads}, capture_output=True, text=True, check=False
    )
    if told.returncode == 0:
        yield Path(told.stdout.strip())


def is_suitable(python: Path) -> bool:
    """Tell whether that program is a Python of a suitable version, with venv and pip."""
    try:
        return (
            subprocess.run([str(python), "-c", CHECK], capture_output=True, check=False).returncode
            == 0
        )
    except OSError:
        return False


def fetched() -> list[Path]:
    """Return the Pythons that uv has put into our folder."""
    program = "python.exe" if os.name == "nt" else "bin/python" + WANTED
    return sorted(FOLDER.glob(f"cpython-{WANTED}*/{program}"))


def fetch() -> Path:
    """Let uv download Python 3.11 into our folder; say so first.

    Raises:
        NotToBeHadError: uv could not be brought here, or could not bring Python.
    """
    uv = shutil.which("uv") or shutil.which("uv", path=str(FOLDER / "uv" / "bin"))
    also = "" if uv else ", and uv itself with pip (20 MB)"
    say(ABOUT_TO_DOWNLOAD.format(version=version(), folder=FOLDER, also=also))
    command = [uv or bring_uv(), "python", "install", WANTED]
    here = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(FOLDER), "UV_PYTHON_INSTALL_BIN": "0"}
    if subprocess.run(command, env=here, check=False).returncode != 0:
        raise NotToBeHadError("uv could not download one (see its message above)")
    python = next(filter(is_suitable, fetched()), None)
    if python is None:
        raise NotToBeHadError(f"what uv downloaded to {FOLDER} does not run")
    return python


def bring_uv() -> str:
    """Install uv with pip into our folder; return its path.

    Raises:
        NotToBeHadError: this Python has no pip, or pip could not reach its index.
    """
    folder = FOLDER / "uv"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.run([*command, "--target", str(folder), "uv"], check=False).returncode != 0:
        raise NotToBeHadError(
            "uv is not installed, and pip could not install it (see its message above)"
        )
    uv = shutil.which("uv", path=str(folder / "bin"))
    if uv is None:
        raise NotToBeHadError(f"pip has put no uv into {folder}")
    return uv


def version() -> str:
    """Return the version of the Python that runs this."""
    return "{}.{}".format(*sys.version_info)


def say(message: str) -> None:
    """Print at once, so that the lines come in order with those of the programs started here."""
    print(message, file=sys.stderr, flush=True)

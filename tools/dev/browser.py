"""Finding a Chromium for the tests in tests/browser, which drive the pages as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.dev.environment import say

# The tests read the browser's path from here; set it yourself to choose another Chromium or Chrome.
VARIABLE = "FOOOCUS_CHROMIUM"

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
PACKAGES = ("chromium", "chromium-driver", "fonts-liberation")
# A mirror may be out for a moment, and a fresh machine's own updates may hold the lock.
APT_OPTIONS = ("-qq", "-oDpkg::Use-Pty=0", "-oAcquire::Retries=3", "-oDPkg::Lock::Timeout=120")


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome on this machine, or None."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return chosen
    for command in COMMANDS:
        path = shutil.which(command)
        if path is not None:
            return path
    return next((path for path in APPLICATIONS if Path(path).exists()), None)


def can_install_packages() -> bool:
    """Tell whether Debian's packages can be installed without asking anybody: a container, CI."""
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        return False
    return os.geteuid() == 0


def install_chromium() -> None:
    """Install Debian's Chromium; a failure is shown by apt-get and found by the next look for it."""
    say(
        "The browser tests need Chromium: installing Debian's (apt-get install chromium chromium-driver)."
    )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", *APT_OPTIONS, *command], env=environment, check=False)


def ensure_chromium() -> str | None:
    """Return the path of a Chromium, installed if that can be done, or None after saying what to do."""
    path = find_chromium()
    if path is None and can_install_packages():
        install_chromium()
        path = find_chromium()
    if path is None:
        say(
            "No Chromium or Chrome found: the browser tests will be skipped. To run them, install one "
            f"(Debian and Ubuntu: apt-get install chromium) or set {VARIABLE} to its path."
        )
    return path

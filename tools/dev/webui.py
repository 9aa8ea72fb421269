"""Running tests/contract inside a webui: in its own Python and folder, without installing into it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.dev.environment import ROOT, VENV, SetupError, python_of, say

# What the suite in tests/contract reads; set for it by `dev.py test --webui`.
WEBUI_VARIABLE = "FOOOCUS_TEST_WEBUI"
CHECKPOINTS_VARIABLE = "FOOOCUS_TEST_CHECKPOINTS"

TEST_PACKAGES = ("pytest", "pytest-timeout", "hypothesis")
RUNNER = Path(__file__).with_name("pytest_in_webui.py")


def run_contract_tests(
    webui: Path, python: str | None, checkpoints: Path | None, arguments: Sequence[str]
) -> int:
    """Run tests/contract on the webui at ``webui`` and return pytest's exit status.

    Args:
        webui: the folder that holds the webui's launch.py.
        python: the Python that it runs on; its own venv's, if it has one, by default.
        checkpoints: a folder with small checkpoints; without it the tests that need one are skipped.
        arguments: pytest's, after the folder of the tests.

    Raises:
        SetupError: there is no webui or no such Python, or pytest could not be installed.
    """
    if not (webui / "launch.py").is_file():
        raise SetupError(f"{webui} is no webui: it has no launch.py.")
    python = python or own_python(webui)
    packages = install_test_packages(python)
    environment = {**os.environ, WEBUI_VARIABLE: str(webui), "GRADIO_ANALYTICS_ENABLED": "False"}
    if checkpoints is not None:
        environment[CHECKPOINTS_VARIABLE] = str(checkpoints)
    tests = (
        [] if any("tests/contract" in argument for argument in arguments) else ["tests/contract"]
    )
    tests = [str(ROOT / argument) for argument in tests]
    command = [python, str(RUNNER), str(packages), "-c", str(ROOT / "pyproject.toml")]
    command += [f"--rootdir={ROOT}", "--disable-warnings", *tests, *map(_from_root, arguments)]
    return subprocess.run(command, cwd=webui, env=environment, check=False).returncode


def _from_root(argument: str) -> str:
    return str(ROOT / argument) if argument.startswith("tests/") else argument


def own_python(webui: Path) -> str:
    """Return the Python of the webui's own venv. Raises SetupError if it has none."""
    python = python_of(webui / "venv")
    if not python.exists():
        raise SetupError(f"{webui} has no venv of its own: name its Python with --webui-python.")
    return str(python)


def install_test_packages(python: str) -> Path:
    """Install pytest and its kin for the webui's Python into a folder of .venv, unless they are there.

    Raises SetupError if ``python`` does not run or pip fails.
    """
    query = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"{python} does not run: {error}") from error
    folder = VENV / f"webui-tests-{answer.stdout.strip()}"
    done = folder / ".complete"
    if done.exists():
        return folder
    say(
        f"Installing {', '.join(TEST_PACKAGES)} into {folder} (the webui's environment stays as it is)."
    )
    command = [str(python_of()), "-m", "pip", "--python", python, "install", "--quiet"]
    command += ["--target", str(folder), "--constraint", str(ROOT / "requirements" / "test.txt")]
    if subprocess.run([*command, *TEST_PACKAGES], check=False).returncode != 0:
        raise SetupError(
            "pip could not install pytest for the webui's Python; its output says why."
        )
    done.touch()
    return folder

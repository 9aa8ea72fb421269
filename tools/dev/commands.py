"""The commands of dev.py: each makes sure of .venv, then runs one or more programs inside it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.dev import bulk
from tools.dev.browser import VARIABLE, ensure_chromium
from tools.dev.checks import LINT, Check, run_checks
from tools.dev.environment import (
    ROOT,
    SetupError,
    ensure_environment,
    pip_install,
    python_of,
    say,
    variables,
)
from tools.dev.suitable_python import wait_for
from tools.dev.webui import run_contract_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name
    Command = Callable[[argparse.Namespace, Sequence[str]], int]

RUN_HELP = """\
Without --prompt: start the embedded webui, its page and its API, on http://127.0.0.1:7860.
With --prompt: make one picture through the whole extension, without a browser."""

TEST_HELP = """\
Lint, check types, run the tests, and say what was skipped and why.
Arguments not listed here are pytest's, for example: dev.py test tests/core -k sharpness"""

TUNNEL_HELP = """\
Make the same pictures with and without each trick, on the default checkpoints, whose true distribution
is known; print how far they are from true ones, with confidence intervals, and what follows from them.
Two quiet cores take about 15 minutes for 64 pictures a setting."""

POCKET_HELP = """\
Write Pocket SDXL, the trained base and refiner that `run` samples by default, as single files in SDXL's
format, with a YAML beside each: copy all four into a webui's models/Stable-diffusion.
Or train it from nothing, about five hours on two cores; more arguments go to the training, for example
--base-steps 25000."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments`` (without the program's name) and return the exit status."""
    options, rest = command_line().parse_known_args(arguments)
    try:
        if options.needs_venv:
            ensure_environment()
        command: Command = options.command
        return command(options, arguments[1:] if options.pass_all else rest)
    except SetupError as problem:
        say(f"dev.py: {problem}")
        return 1


def command_line() -> argparse.ArgumentParser:
    """Describe the commands; what a command does not know is left for the program that it starts."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        allow_abbrev=False,
        description="Run, test, measure and check sd-webui-fooocus. The first use makes .venv.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_run(commands)
    add_test(commands)
    bench = add_command(
        commands, "bench", bench_command, "measure, and print a table", pass_all=True
    )
    bench.add_argument("--json", metavar="FILE", help="write the numbers to FILE as well")
    add_tunnel(commands)
    add_pocket(commands)
    add_bulk(commands)
    lint = add_command(commands, "lint", lint_command, "check style, format and types")
    lint.add_argument("--fix", action="store_true", help="correct what can be, and format")
    return parser


def add_command(
    commands: Subcommands, name: str, command: Command, summary: str, *, pass_all: bool = False
) -> argparse.ArgumentParser:
    """Add a command; with ``pass_all`` its program gets every argument, those described here included."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command, pass_all=pass_all, needs_venv=True)
    return parser


def add_run(commands: Subcommands) -> None:
    """Describe `run`. The embedded host reads these arguments itself; here they are for --help."""
    parser = add_command(
        commands, "run", run_command, "start the embedded webui, or make one picture", pass_all=True
    )
    parser.description = RUN_HELP
    parser.add_argument("--checkpoint", metavar="FILE", help="any SDXL single-file checkpoint")
    parser.add_argument("--refiner", metavar="FILE", help="an SDXL refiner checkpoint")
    parser.add_argument("--port", metavar="N", help="where to serve page and API (default 7860)")
    parser.add_argument(
        "--host", metavar="ADDRESS", help="the address to listen on (default 127.0.0.1)"
    )
    parser.add_argument(
        "--listen", action="store_true", help="let other machines in: listen on 0.0.0.0"
    )
    picture = parser.add_argument_group("one picture")
    picture.add_argument("--prompt", metavar="TEXT")
    picture.add_argument("--negative-prompt", metavar="TEXT")
    picture.add_argument("--out", metavar="FILE", help="where to save it, a .png")
    picture.add_argument(
        "--compare", action="store_true", help="the same seed without the extension as well"
    )
    picture.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        help="an argument of the extension, for example sharpness=4; repeatable",
    )
    for name in ("seed", "steps", "width", "height"):
        picture.add_argument(f"--{name}", metavar="N")
    picture.add_argument("--sampler", metavar="NAME")


def add_test(commands: Subcommands) -> None:
    """Describe `test`."""
    parser = add_command(commands, "test", test_command, "lint, check types, run the tests")
    parser.description = TEST_HELP
    parser.add_argument(
        "--fast", action="store_true", help="leave out slow tests and browser tests"
    )
    parser.add_argument("--webui", metavar="PATH", help="run tests/contract on the webui at PATH")
    parser.add_argument(
        "--webui-python", metavar="PYTHON", help="the Python which that webui runs on"
    )
    parser.add_argument(
        "--webui-checkpoints", metavar="DIR", help="small checkpoints for that webui to run with"
    )


def add_tunnel(commands: Subcommands) -> None:
    """Describe `tunnel`. The program reads these arguments itself; here they are for --help."""
    summary = "measure what each trick does to pictures"
    parser = add_command(commands, "tunnel", tunnel_command, summary, pass_all=True)
    parser.description = TUNNEL_HELP
    parser.add_argument("--samples", metavar="N", help="pictures for each setting (default 64)")
    parser.add_argument("--seed", metavar="S", help="of captions, noise and bootstrap (default 1)")
    parser.add_argument(
        "--only", metavar="GROUP", nargs="+", help="sharpness, adm, adaptive, refiner, all, words"
    )
    parser.add_argument("--json", metavar="FILE", help="write all numbers to FILE")
    parser.add_argument("--sheet", metavar="FILE", help="write one picture of all settings, a .png")


def add_pocket(commands: Subcommands) -> None:
    """Describe `pocket`."""
    summary = "write the default checkpoints for another webui, or train them"
    parser = add_command(commands, "pocket", pocket_command, summary)
    parser.description = POCKET_HELP
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--out", metavar="DIR", help="where to write them")
    task.add_argument("--train", metavar="DIR", help="where training keeps what it has done")


def add_bulk(commands: Subcommands) -> None:
    """Name `bulk`; its program describes its arguments itself, and has an environment of its own."""
    summary = "make the pictures of a list of requests on many webuis"
    parser = commands.add_parser("bulk", help=summary, add_help=False, allow_abbrev=False)
    parser.set_defaults(command=bulk_command, pass_all=True, needs_venv=False)


def run_command(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Serve page and API, or make one picture."""
    mode = "serve" if options.prompt is None else "picture"
    return become("embedded_webui", mode, *rest)


def bench_command(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run the benchmarks."""
    return become("benchmarks", *rest)


def tunnel_command(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run the wind tunnel."""
    return become("benchmarks.wind_tunnel", *rest)


def pocket_command(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Export Pocket SDXL, or train it and put the weights into the repository."""
    if options.train is None:
        return become("tools.pocket", "export", "--out", options.out, *rest)
    pip_install("--quiet", "--no-deps", "--requirement", "tools/expander/requirements.txt")
    return become("tools.pocket", "train", "--work", options.train, "--store", *rest)


def bulk_command(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Make the pictures of a list, in .venv-bulk."""
    return become("bulk", *rest, python=bulk.prepare(rest))


def lint_command(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run ruff's linter and formatter and mypy; ``rest`` goes to the linter."""
    lint, formatting, types = LINT
    if options.fix:
        lint = Check("lint", ("ruff", "check", "--fix", "."))
        formatting = Check("format", ("ruff", "format", "."))
    return run_checks([lint._replace(arguments=[*lint.arguments, *rest]), formatting, types])


def test_command(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run everything that must hold before a change is taken; with --webui, the contract on a webui."""
    if options.webui:
        return contract_on_webui(options, rest)
    pytest = ["pytest"]
    if not any((ROOT / word.partition("::")[0]).exists() for word in rest):
        pytest += ["-n", "auto"]  # a few tests are done before several processes have started
    if options.fast:
        pytest += ["-m", "not slow and not browser", "--ignore=tests/browser"]
        pytest += ["--hypothesis-profile=fast"]
    elif not prepare_browser():
        return 1
    calm_threads()
    return run_checks([Check("tests", [*pytest, *rest])], meanwhile=LINT)


def contract_on_webui(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run tests/contract inside the webui that the options name."""
    python = options.webui_python and os.path.abspath(options.webui_python)  # noqa: PTH100 -- keeps links
    checkpoints = options.webui_checkpoints and Path(options.webui_checkpoints).resolve()
    fast = ["-m", "not slow"] if options.fast else []
    return run_contract_tests(Path(options.webui).resolve(), python, checkpoints, [*fast, *rest])


def prepare_browser() -> bool:
    """Tell the tests which browser to use; false if there is none where there must be one, in CI."""
    path = ensure_chromium()
    if path is not None:
        os.environ[VARIABLE] = path
    elif os.environ.get("CI") == "true":
        say("dev.py: in CI the browser tests may not be skipped.")
        return False
    return True


def calm_threads() -> None:
    """Let torch compute on one thread in the tests, unless the user chose a number.

    Their models are tiny: two threads win nothing, and on a busy machine they wait for each other, which
    makes a test take five times as long.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def become(module: str, *arguments: str, python: Path | None = None) -> int:
    """Run ``module`` of this repository in .venv, where the user is: paths mean what they say there.

    ``python`` is another Python to run it. dev.py runs it in there, and ends it in one line on Ctrl-C.

    Where the system can do it, it takes this process's place, so that a signal reaches it directly.
    """
    command = [str(python or python_of()), str(ROOT / "dev.py"), "-m", module, *arguments]
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(command[0], command, variables())
    return wait_for(command, variables())

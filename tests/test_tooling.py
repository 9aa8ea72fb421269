"""dev.py, the locks, and the files that the webui reads of an extension before it imports any of it."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.dev import browser, checks, commands, environment, suitable_python

ROOT = Path(__file__).resolve().parent.parent
LOCKED_LINE = re.compile(r"^[a-z0-9][a-z0-9._-]*==[^ ]+( ; .+)?$")


# --- the gate ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 7, 16)])
def test_an_unsuitable_python_gets_one_clear_line(monkeypatch, capsys, version: tuple[int, ...]):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "dev.py"), run_name="__main__")
    message = capsys.readouterr().err
    assert stop.value.code == 2
    assert message.count("\n") == 1
    assert "3.10 or 3.11" in message
    assert f"this is {version[0]}.{version[1]} " in message


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 9, 18), (3, 12, 0), (3, 14, 1)])
def test_a_python_that_can_look_for_another_does(monkeypatch, version: tuple[int, ...]):
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "argv", ["dev.py", "run", "--prompt", "a fox"])
    told = []
    monkeypatch.setattr(suitable_python, "run_again", lambda *words: told.append(words) or 7)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "dev.py"), run_name="__main__")
    assert stop.value.code == 7
    assert told == [(str(ROOT / "dev.py"), ["run", "--prompt", "a fox"])]


@pytest.mark.parametrize("words", [["--help"], ["run", "-h"]])
def test_help_needs_no_other_python(monkeypatch, capsys, words: list[str]):
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    monkeypatch.setattr(sys, "argv", ["dev.py", *words])
    monkeypatch.setattr(suitable_python, "run_again", lambda *_words: pytest.fail("looked for one"))
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "dev.py"), run_name="__main__")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: dev.py")


def test_the_gate_is_readable_to_a_python_that_it_turns_away():
    """Python 2.7 knows no annotations and no f-strings, Python 3.6 no ``annotations`` feature."""
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert all(function.returns is None for function in functions)
    assert all(argument.annotation is None for node in functions for argument in node.args.args)
    assert "__future__" not in {getattr(node, "module", None) for node in ast.walk(tree)}


# --- making .venv -----------------------------------------------------------------------------------------


class FakeInstaller:
    """Stands in for venv and pip, and remembers what was asked of them."""

    def __init__(self, venv: Path):
        self.venv = venv
        self.calls: list[str] = []
        self.failures = 0

    def run(self, command, **_options):
        words = [str(word) for word in command]
        if words[1:3] == ["-m", "venv"]:
            self.calls.append("venv")
            python = environment.python_of(self.venv)
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
        elif "install" in words:
            self.calls.append("torch" if words[-1] == "torch" else "locks")
            if self.failures:
                self.failures -= 1
                return subprocess.CompletedProcess(command, 1, "", "")
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def installer(monkeypatch, tmp_path) -> FakeInstaller:
    venv = tmp_path / ".venv"
    lock = tmp_path / "embedded.txt"
    lock.write_text("torch==1\n", encoding="utf-8")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "LOCKS", (lock, lock))
    monkeypatch.setattr(environment, "STAMP", venv / ".requirements")
    monkeypatch.setattr(environment, "UNFINISHED", venv / ".unfinished")
    # python_of()'s default was bound when the module was read.
    monkeypatch.setattr(environment.python_of, "__defaults__", (venv,))
    fake = FakeInstaller(venv)
    monkeypatch.setattr(environment.subprocess, "run", fake.run)
    return fake


def change_lock() -> None:
    environment.LOCKS[0].write_text("torch==2\n", encoding="utf-8")


def test_the_first_use_makes_the_environment_and_the_second_does_nothing(installer, capsys):
    environment.ensure_environment()
    assert installer.calls == ["venv", "torch", "locks"]
    assert "First use: making .venv" in capsys.readouterr().out
    environment.ensure_environment()
    assert installer.calls == ["venv", "torch", "locks"]
    assert capsys.readouterr().out == ""


def test_changed_locks_bring_the_environment_up_to_date_in_place(installer, capsys):
    environment.ensure_environment()
    change_lock()
    assert not environment.is_current()
    environment.ensure_environment()
    assert installer.calls[3:] == ["torch", "locks"]
    assert "Bringing .venv up to date" in capsys.readouterr().out
    assert environment.is_current()


def test_an_environment_that_cannot_be_updated_is_kept_and_updated_the_next_time(installer):
    """Without a network pip fails, and could not make another one either."""
    environment.ensure_environment()
    kept = installer.venv / "of-the-user"
    kept.touch()
    change_lock()
    installer.failures = 1
    with pytest.raises(environment.SetupError, match="Check the network"):
        environment.ensure_environment()
    assert installer.calls[3:] == ["torch"]
    assert kept.exists()
    environment.ensure_environment()
    assert installer.calls[4:] == ["torch", "locks"]
    assert environment.is_current()


def test_an_update_cut_short_is_not_taken_for_the_environment_of_before(installer):
    environment.ensure_environment()
    before = environment.LOCKS[0].read_text(encoding="utf-8")
    change_lock()
    installer.failures = 1
    with pytest.raises(environment.SetupError):
        environment.ensure_environment()
    environment.LOCKS[0].write_text(before, encoding="utf-8")
    assert not environment.is_current(), "some of its packages may be the others"


def test_an_environment_whose_making_was_cut_short_is_made_anew(installer, capsys):
    environment.ensure_environment()
    (environment.UNFINISHED).touch()
    left_over = installer.venv / "half-unpacked"
    left_over.touch()
    environment.ensure_environment()
    assert installer.calls[3:] == ["venv", "torch", "locks"]
    assert not left_over.exists()
    assert "incomplete or broken" in capsys.readouterr().out


def test_an_environment_whose_python_is_gone_is_made_anew(installer):
    environment.ensure_environment()
    environment.python_of().unlink()
    environment.python_of().symlink_to(installer.venv / "no-such-python")
    environment.ensure_environment()
    assert installer.calls[3:] == ["venv", "torch", "locks"]


def test_a_link_to_an_environment_that_is_broken_is_replaced_and_its_target_stays(
    installer, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    installer.venv.symlink_to(elsewhere)
    environment.ensure_environment()
    assert environment.is_current()
    assert not installer.venv.is_symlink()
    assert elsewhere.is_dir()


def test_a_folder_that_cannot_be_written_to_is_told(installer):
    (environment.ROOT / ".venv.lock").mkdir()  # as root every folder can be written to
    with pytest.raises(environment.SetupError, match="lock"):
        environment.ensure_environment()


def test_a_failed_installation_says_what_to_do_and_is_not_taken_for_a_finished_one(installer):
    installer.failures = 1
    with pytest.raises(
        environment.SetupError, match="Check the network, and the space on the disk"
    ):
        environment.ensure_environment()
    assert not environment.is_current()
    environment.ensure_environment()
    assert installer.calls == ["venv", "torch", "venv", "torch", "locks"]


@pytest.mark.parametrize(
    ("platform", "gpu", "sources", "hinted"),
    [
        ("linux", False, "", True),
        ("linux", True, "", False),
        ("linux", False, "global.extra-index-url='x'", False),
        ("linux", False, ":env:.find-links='x'", False),
        ("darwin", False, "", False),
    ],
)
def test_who_would_download_a_useless_gpu_build_is_told_of_the_small_one(
    installer, monkeypatch, capsys, platform: str, gpu: bool, sources: str, hinted: bool
):
    def run(command, **options):
        result = installer.run(command, **options)
        result.stdout = sources
        return result

    monkeypatch.setattr(environment.subprocess, "run", run)
    monkeypatch.setattr(environment.sys, "platform", platform)
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: gpu)
    environment.ensure_environment()
    assert ("CPU build" in capsys.readouterr().out) == hinted


def test_a_second_dev_py_waits_until_the_environment_is_there(installer, monkeypatch, capsys):
    making = threading.Event()

    def run(command, **options):
        making.set()
        time.sleep(0.2)  # in which the other would begin, too
        return installer.run(command, **options)

    monkeypatch.setattr(environment.subprocess, "run", run)
    first = threading.Thread(target=environment.ensure_environment)
    first.start()
    try:
        assert making.wait(60)
        environment.ensure_environment()
    finally:
        first.join()  # beyond this test it would run the real pip
    assert installer.calls == ["venv", "torch", "locks"]
    assert "Another dev.py is making .venv: waiting for it." in capsys.readouterr().out


def test_programs_import_this_repository_first_and_what_the_user_named_after_it(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"/mine{os.pathsep}/yours")
    monkeypatch.setenv("KEPT", "as it is")
    given = environment.variables()
    assert given["PYTHONPATH"].split(os.pathsep) == [str(environment.ROOT), "/mine", "/yours"]
    assert given["KEPT"] == "as it is"
    monkeypatch.delenv("PYTHONPATH")
    assert environment.variables()["PYTHONPATH"] == str(environment.ROOT), (
        "no empty entry: that is the folder"
    )


# --- the commands -----------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch) -> list[list[str]]:
    """Return the list of command lines that dev.py would start in .venv; nothing is started."""
    calls: list[list[str]] = []

    def remember(*arguments: str) -> int:
        calls.append(list(arguments))
        return 0

    monkeypatch.setattr(commands, "ensure_environment", lambda: None)
    monkeypatch.setattr(commands, "become", remember)
    monkeypatch.setattr(checks, "wait_for", lambda command: remember(*command[2:]))
    monkeypatch.setattr(
        checks, "wait_quietly", lambda command: (remember(*command[2:]), "nothing to say")
    )
    monkeypatch.setattr(commands, "ensure_chromium", lambda: "/chromium")
    monkeypatch.setenv(browser.VARIABLE, "")
    monkeypatch.setenv("OMP_NUM_THREADS", "restored afterwards")
    monkeypatch.delenv("OMP_NUM_THREADS")
    return calls


def test_run_serves_the_page(started):
    assert commands.main(["run", "--port", "7999", "--tab-first"]) == 0
    assert started == [["embedded_webui", "serve", "--port", "7999", "--tab-first"]]


def test_run_with_a_prompt_makes_a_picture_and_passes_everything_on(started):
    arguments = [
        "--prompt",
        "a cat",
        "--set",
        "sharpness=4",
        "--set",
        "enabled=true",
        "--eta",
        "0.5",
    ]
    assert commands.main(["run", *arguments]) == 0
    assert started == [["embedded_webui", "picture", *arguments]]


def test_runs_help_says_how_to_open_the_page_to_other_machines(started, capsys):
    with pytest.raises(SystemExit):
        commands.main(["run", "--help"])
    described = capsys.readouterr().out
    assert "--host ADDRESS" in described
    assert "--listen" in described


def test_bench_passes_everything_on(started):
    assert commands.main(["bench", "--json", "numbers.json", "sampling"]) == 0
    assert started == [["benchmarks", "--json", "numbers.json", "sampling"]]


def test_tunnel_passes_everything_on(started):
    assert commands.main(["tunnel", "--samples", "8", "--only", "adm", "refiner"]) == 0
    assert started == [["benchmarks.wind_tunnel", "--samples", "8", "--only", "adm", "refiner"]]


def test_pocket_trains_with_what_the_training_alone_needs(started, monkeypatch):
    installed = []
    monkeypatch.setattr(commands, "pip_install", lambda *words: installed.append(words))
    assert commands.main(["pocket", "--train", "work", "--seed", "2"]) == 0
    assert installed == [
        ("--quiet", "--no-deps", "--requirement", "tools/expander/requirements.txt")
    ]
    assert started == [["tools.pocket", "train", "--work", "work", "--store", "--seed", "2"]]


def test_pocket_exports_the_checkpoints_and_wants_to_know_where_to(started, capsys):
    assert commands.main(["pocket", "--out", "models here"]) == 0
    assert started == [["tools.pocket", "export", "--out", "models here"]]
    with pytest.raises(SystemExit):
        commands.main(["pocket"])
    assert "--out" in capsys.readouterr().err


def test_the_tunnels_help_names_what_the_tunnel_knows(started, capsys):
    from benchmarks._tunnel.settings import GROUPS

    with pytest.raises(SystemExit):
        commands.main(["tunnel", "--help"])
    described = capsys.readouterr().out
    assert all(group in described for group in GROUPS if group != "plain")


def test_test_lints_checks_types_and_tests(started, capsys):
    assert commands.main(["test", "tests/core", "-k", "adm"]) == 0
    assert sorted(call[0] for call in started) == ["mypy", "pytest", "ruff", "ruff"]
    assert ["pytest", "tests/core", "-k", "adm"] in started
    assert re.findall(r"^(\w+) +passed", capsys.readouterr().out, re.MULTILINE) == [
        "tests", "lint", "format", "types",
    ]  # fmt: skip
    assert os.environ[browser.VARIABLE] == "/chromium"
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_the_whole_suite_is_shared_out_and_the_user_may_say_among_how_many(started):
    assert commands.main(["test", "-n", "0"]) == 0
    assert ["pytest", "-n", "auto", "-n", "0"] in started


def test_the_user_may_choose_the_number_of_threads(started, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert commands.main(["test"]) == 0
    assert os.environ["OMP_NUM_THREADS"] == "4"


def test_test_fast_leaves_out_what_is_slow_and_needs_no_browser(started, monkeypatch):
    monkeypatch.setattr(commands, "ensure_chromium", lambda: pytest.fail("looked for a browser"))
    assert commands.main(["test", "--fast"]) == 0
    (tests,) = [call for call in started if call[0] == "pytest"]
    assert tests[tests.index("-m") + 1] == "not slow and not browser"


def test_test_runs_the_contract_in_a_real_webui(started, monkeypatch, tmp_path):
    given = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        commands, "run_contract_tests", lambda *arguments: given.append(arguments) or 0
    )
    words = [
        "--webui",
        "webui",
        "--webui-python",
        "venv/bin/python",
        "--webui-checkpoints",
        "tiny",
        "-x",
    ]
    assert commands.main(["test", *words]) == 0
    python = str(tmp_path / "venv" / "bin" / "python")
    assert given == [(tmp_path / "webui", python, tmp_path / "tiny", ["-x"])]
    assert started == []


def test_a_folder_that_holds_no_webui_is_one_message(started, tmp_path, capsys):
    assert commands.main(["test", "--webui", str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"dev.py: {tmp_path} is no webui: it has no launch.py.\n"


def test_lint_changes_nothing_unless_told_to_fix(started):
    assert commands.main(["lint", "--statistics"]) == 0
    assert started[:2] == [
        ["ruff", "check", ".", "--statistics"],
        ["ruff", "format", "--check", "."],
    ]
    assert commands.main(["lint", "--fix"]) == 0
    assert started[3:5] == [["ruff", "check", "--fix", "."], ["ruff", "format", "."]]


@pytest.mark.parametrize(("in_ci", "status"), [("true", 1), ("", 0)])
def test_a_missing_browser_is_an_error_in_ci_and_a_skip_elsewhere(
    started, monkeypatch, in_ci: str, status: int
):
    monkeypatch.setenv("CI", in_ci)
    monkeypatch.setattr(commands, "ensure_chromium", lambda: None)
    assert commands.main(["test"]) == status
    assert bool(started) == (status == 0)


def test_ctrl_c_ends_without_a_traceback(started, monkeypatch, capsys):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "wait_for", interrupt)
    monkeypatch.setattr(sys, "argv", ["dev.py", "lint"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "dev.py"), run_name="__main__")
    assert stop.value.code == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"


def test_ctrl_c_ends_a_program_without_a_traceback(tmp_path):
    program = "import sys; print(sys.argv[1:], __name__, flush=True); raise KeyboardInterrupt"
    (tmp_path / "interrupted.py").write_text(program, encoding="utf-8")
    start = "import sys; from tools.dev.commands import become\n"
    start += "sys.exit(become('interrupted', '--seed', '2', python=sys.executable))"
    done = subprocess.run(
        [sys.executable, "-c", start],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['--seed', '2'] __main__\n"
    assert (done.returncode, done.stderr) == (130, "\nInterrupted.\n")


def test_an_environment_that_cannot_be_made_is_one_message(started, monkeypatch, capsys):
    def fail() -> None:
        message = "no space"
        raise environment.SetupError(message)

    monkeypatch.setattr(commands, "ensure_environment", fail)
    assert commands.main(["run"]) == 1
    assert capsys.readouterr().out == "dev.py: no space\n"


def test_the_browser_is_looked_for_and_installed_only_where_that_may_be_done(monkeypatch, capsys):
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)
    monkeypatch.setattr(browser, "APPLICATIONS", ())
    monkeypatch.setattr(browser, "can_install_packages", lambda: False)
    monkeypatch.setattr(browser, "install_chromium", lambda: pytest.fail("installed something"))
    assert browser.ensure_chromium() is None
    assert "apt-get install chromium" in capsys.readouterr().out
    monkeypatch.setattr(browser, "can_install_packages", lambda: True)
    monkeypatch.setattr(
        browser, "install_chromium", lambda: monkeypatch.setenv(browser.VARIABLE, "/new")
    )
    assert browser.ensure_chromium() == "/new"

"""The files that the webui reads or runs of an extension, and the one that CI runs."""

from __future__ import annotations

import argparse
import configparser
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_imports import HOST_PACKAGES, imports_of, modules_of

ROOT = Path(__file__).resolve().parent.parent


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"webui_reads_{name}", ROOT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_install_says_nothing_where_nothing_is_missing():
    result = subprocess.run(
        [sys.executable, "install.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("", "")


def test_install_names_what_is_missing_in_one_line(monkeypatch, capsys):
    install = load("install")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        install.importlib.util,
        "find_spec",
        lambda name: None if name in {"PIL", "torch"} else real(name),
    )
    install.main()
    output = capsys.readouterr().out
    assert "lacks torch, PIL," in output
    assert output.count("\n") == 1


def test_install_looks_for_all_that_the_extension_imports():
    """What the webui itself brings along of its own (its modules) apart."""
    files = modules_of("fooocus_ext", "scripts").values()
    imported = {found.module.partition(".")[0] for path in files for found in imports_of(path)}
    theirs = imported - set(sys.stdlib_module_names) - HOST_PACKAGES - {"fooocus_ext"}
    assert set(load("install").REQUIRED) == theirs


def test_install_starts_no_program():
    source = (ROOT / "install.py").read_text(encoding="utf-8")
    assert not re.search(r"subprocess|run_pip|os\.system|import pip", source)


def test_preload_adds_the_flags_with_their_defaults():
    parser = argparse.ArgumentParser()
    load("preload").preload(parser)
    assert vars(parser.parse_args([])) == {
        "fooocus_expansion_dir": None,
        "fooocus_outputs": None,
        "fooocus_tab_first": False,
        "fooocus_allow_host": None,
    }
    given = parser.parse_args(["--fooocus-tab-first", "--fooocus-outputs", "x"])
    assert (given.fooocus_tab_first, given.fooocus_outputs) == (True, "x")
    named = ["--fooocus-allow-host", "a.example", "--fooocus-allow-host", "b.example"]
    assert parser.parse_args(named).fooocus_allow_host == ["a.example", "b.example"]
    assert all("%" not in (action.help or "") for action in parser._actions)


def test_metadata_bears_the_name_that_the_webui_matches():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.ini", encoding="utf-8")
    name = metadata["Extension"]["Name"]
    assert name == name.lower() == "sd-webui-fooocus"


def test_dynamic_prompts_writes_first_whatever_the_folders_are_called():
    """It writes the prompts of all pictures from the first, which must not be one of ours."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.ini", encoding="utf-8")
    assert metadata["scripts/fooocus.py"]["After"] == "sd-dynamic-prompts"


def test_ci_runs_the_command_that_the_readme_gives():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("dev.py test")
    assert "python dev.py test" in (ROOT / "README.md").read_text(encoding="utf-8")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    subprocess.run([bash, "-n", ".ci/run"], cwd=ROOT, check=True)

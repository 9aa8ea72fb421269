"""An argument that stands in the table alone appears wherever arguments appear."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from fooocus_ext.fields import Kind

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "tests" / "new_argument_report.py"
FIELDS = """
    scratch_number: float = column(
        "number", 0.5, "Scratch number", "Fooocus scratch number", "A number.",
        minimum=0.0, maximum=4.0, step=0.25,
    )
    scratch_flag: bool = column(
        "flag", False, "Scratch flag", "Fooocus scratch flag", "A flag."
    )
    scratch_choice: str = column(
        "choice", "one", "Scratch choice", "Fooocus scratch choice", "A choice.",
        choices=("one", "two"),
    )
    scratch_names: tuple[str, ...] = column(
        "names", (), "Scratch names", "Fooocus scratch names", "Some names.",
        choices=("a", "b", "c"),
    )
    scratch_whole: int = column(
        "whole", 3, "Scratch whole", "Fooocus scratch whole", "A whole number.",
        minimum=0, maximum=9, step=1,
    )
    scratch_text: str = column(
        "text", "", "Scratch text", "Fooocus scratch text", "A text."
    )
    scratch_name: str = column(
        "name", "None", "Scratch name", "Fooocus scratch name", "A name that the host lists."
    )
"""
VALUES = {
    "scratch_number": 1.25,
    "scratch_flag": True,
    "scratch_choice": "two",
    "scratch_names": ["a", "b"],
    "scratch_whole": 7,
    "scratch_text": " 7, or: eight",
    "scratch_name": "7",
}
TEXTS = {**{name: str(value) for name, value in VALUES.items()}, "scratch_names": "a, b"}
"""The values as infotexts write them."""
LABELS = {name: name.replace("_", " ").capitalize() for name in VALUES}


def end_of_settings(source: str) -> int:
    """Return the number of the line behind the last argument of the table."""
    (table,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    return max(node.end_lineno for node in table.body if isinstance(node, ast.AnnAssign))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the extension in which nothing but the argument table has changed."""
    root = tmp_path_factory.mktemp("extension")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "fooocus_ext", root / "fooocus_ext", ignore=ignored)
    table = root / "fooocus_ext" / "args.py"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    end = end_of_settings("".join(lines))
    table.write_text("".join([*lines[:end], FIELDS, *lines[end:]]), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def report(copy):
    finished = subprocess.run(
        [sys.executable, REPORT, json.dumps(VALUES), json.dumps(TEXTS)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


KINDS = {
    "scratch_number": "Slider",
    "scratch_flag": "Checkbox",
    "scratch_choice": "Radio",
    "scratch_names": "Dropdown",
    "scratch_whole": "Slider",
    "scratch_text": "Textbox",
    "scratch_name": "Textbox",
}


def test_every_kind_is_tried(report):
    """All but "texts", of which ``original_texts`` is the only one there can be."""
    assert set(report["kinds"]) == {*get_args(Kind)} - {"texts"}


def test_the_panel_shows_it(report):
    kinds = {**KINDS, "scratch_choice": "Dropdown", "scratch_name": "Dropdown"}
    assert report["panel"] == {name: [kinds[name], LABELS[name]] for name in VALUES}


def test_the_tab_shows_it_with_its_help_and_reads_it(report):
    assert report["tab"]["shown"] == {name: [KINDS[name], LABELS[name]] for name in VALUES}
    assert report["tab"]["help"]["scratch_choice"] == "A choice."
    assert report["tab"]["read"] == VALUES


def test_the_log_records_it_and_fills_the_tab_from_it(report):
    log = report["tab"]["log"]
    assert log["written"] == log["filled"] == VALUES
    assert set(LABELS.values()) <= set(log["rows"])
    assert log["problems"] == len(VALUES)


def test_the_api_takes_and_describes_it(report):
    api = report["api"]
    assert api["request"] == api["parsed"] == VALUES
    assert api["described"]["scratch_number"]["maximum"] == 4.0
    assert api["schema"]["scratch_choice"]["enum"] == ["one", "two"]
    assert set(api["described"]) == set(api["schema"]) == set(VALUES)


def test_an_infotext_has_it_and_fills_the_tab_from_it(report):
    found = report["infotexts"]
    written = {f"Fooocus {name.replace('_', ' ')}": text for name, text in TEXTS.items()}
    assert found["written"] == {"Fooocus": "True", **written}
    assert found["read"] == found["filled"] == VALUES


def test_it_is_an_axis_of_xyz_plots(report):
    assert report["axes"] == VALUES


def test_the_readme_would_list_it(copy):
    """The table in the README is made from the argument table; a test compares them."""
    code = (
        "import runpy, sys\n"
        f"names = runpy.run_path({str(ROOT / 'tests' / 'test_readme.py')!r})\n"
        "sys.stdout.write(names['fields_table']())"
    )
    table = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(f"| `{name}` |" in table for name in VALUES)

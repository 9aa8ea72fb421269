"""The locked requirements: pinned, current, in agreement, and what this environment contains."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
LOCKED_LINE = re.compile(r"^[a-z0-9][a-z0-9._-]*==[^ ]+( ; .+)?$")


def lock_lines(name: str) -> list[str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("  #")[0] for line in lines if not line.startswith("#")]


def locked(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lock_lines(name)]


@pytest.mark.parametrize("name", ["embedded", "test", "bulk", "bulk-ray"])
def test_each_package_is_pinned_and_none_comes_from_a_place_of_its_own(name: str):
    assert [line for line in lock_lines(name) if not LOCKED_LINE.match(line)] == []


@pytest.mark.parametrize("name", ["embedded", "test", "bulk", "bulk-ray"])
def test_the_locks_were_renewed_after_the_last_edit_of_what_they_are_made_from(name: str):
    wanted = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    pins = {entry.name.replace("_", "-"): entry.specifier for entry in locked(name)}
    for line in wanted:
        text = line.split("#")[0].strip()
        if text and not text.startswith("-"):
            entry = Requirement(text)
            (pin,) = pins[entry.name.lower().replace("_", "-")]
            assert entry.specifier.contains(pin.version), line


@pytest.mark.parametrize(("first", "second"), [("embedded", "test"), ("bulk", "bulk-ray")])
def test_two_locks_of_one_environment_agree(first: str, second: str):
    pins = {entry.name: str(entry.specifier) for entry in locked(first)}
    shared = {entry.name: str(entry.specifier) for entry in locked(second) if entry.name in pins}
    assert shared.items() <= pins.items()


def test_this_environment_holds_what_the_locks_say_and_it_suits_both_pythons():
    for entry in [*locked("embedded"), *locked("test")]:
        if entry.marker and not entry.marker.evaluate(default_environment()):
            continue
        package = importlib.metadata.distribution(entry.name)
        assert entry.specifier.contains(package.version), f"{entry.name} is {package.version}"
        pythons = SpecifierSet(package.metadata["Requires-Python"] or "")
        if entry.marker is None:
            assert {"3.10.0", "3.11.0"} <= set(pythons.filter(["3.10.0", "3.11.0"])), entry.name

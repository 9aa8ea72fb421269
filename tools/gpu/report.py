"""What a check found, as JSON and as a table in Markdown."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
PASSED, FAILED, NOT_RUN, MEASURED = "passed", "failed", "not run", "measured"
NEEDS_CUDA = "needs CUDA"
JSON_FILE, TABLE_FILE = "gpu_check.json", "gpu_check.md"


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: what was measured.
        value: the number; None if there is none.
        unit: of the number; "" for a ratio or a count.
        wanted: what it is to be, in words; "" if it is only measured.
        status: PASSED, FAILED, NOT_RUN or MEASURED.
        note: why it was not run, or what else there is to know.
    """

    name: str
    value: float | None
    unit: str = ""
    wanted: str = ""
    status: str = MEASURED
    note: str = ""


def at_most(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    """Judge a number that must not be larger than a limit, nor be no number."""
    status = PASSED if value <= limit else FAILED
    return Figure(name, value, unit, f"<= {limit:g}", status, note)


def at_least(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    """Judge a number that must not be smaller than a limit, nor be no number."""
    status = PASSED if value >= limit else FAILED
    return Figure(name, value, unit, f">= {limit:g}", status, note)


def not_run(name: str, reason: str = NEEDS_CUDA) -> Figure:
    """Return the figure of something that could not be measured here."""
    return Figure(name, None, status=NOT_RUN, note=reason)


@dataclass(frozen=True)
class PartResult:
    """What one part found.

    Attributes:
        key: its name on the command line.
        title: its name in the table.
        status: FAILED if it broke off or one of its figures failed; NOT_RUN if none was run.
        reason: why it failed as a whole, or was not run; "" otherwise.
        seconds: how long it took.
        budget: how many seconds it had.
        figures: what it measured.
    """

    key: str
    title: str
    status: str
    reason: str
    seconds: float
    budget: float
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole run, on a GPU or not."""

    machine: dict[str, str]
    parts: tuple[PartResult, ...]
    seconds: float
    on_cuda: bool = True

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what was not run did not fail."""
        return all(part.status != FAILED for part in self.parts)

    @property
    def verdict(self) -> str:
        """In a word; "not run" where nothing was judged."""
        if not self.passed:
            return "FAILED"
        states = {figure.status for part in self.parts for figure in part.figures}
        return PASSED if PASSED in states else NOT_RUN

    def as_json(self) -> str:
        """Return all of it."""
        content = {
            "format": FORMAT,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "machine": self.machine,
            "parts": [dataclasses.asdict(part) for part in self.parts],
        }
        return json.dumps(_without_what_json_lacks(content), indent=2, allow_nan=False) + "\n"

    def as_markdown(self) -> str:
        """Return a heading, the machine, and a table with a row for each figure."""
        where = "" if self.on_cuda else " on a CPU"
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        lines = [
            f"# GPU check{where}: {self.verdict}",
            "",
            f"{machine}; {self.seconds:.0f} s",
            "",
            "| part | what | value | wanted | result |",
            "|---|---|---|---|---|",
        ]
        for part in self.parts:
            lines += _rows(part)
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write both files into a folder, which is made if it is not there; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / JSON_FILE, folder / TABLE_FILE
        for path, text in zip(paths, (self.as_json(), self.as_markdown()), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths


def _rows(part: PartResult) -> Sequence[str]:
    rows = []
    if part.reason:
        rows.append(_row(part.title, "", "", "", f"{part.status}: {part.reason}"))
    for figure in part.figures:
        value = "" if figure.value is None else f"{figure.value:.4g} {figure.unit}".strip()
        result = f"{figure.status}: {figure.note}" if figure.note else figure.status
        rows.append(_row(part.title, figure.name, value, figure.wanted, result))
    return rows


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |"


def _without_what_json_lacks(content: Any) -> Any:
    """Return the content with None in place of infinite numbers and of NaN."""
    if isinstance(content, dict):
        return {key: _without_what_json_lacks(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_what_json_lacks(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
